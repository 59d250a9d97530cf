package trail

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Selector is an advanced event selector: an event that meets all of its conditions is
// recorded, as is one that another selector takes.
type Selector struct {
	Name           string
	FieldSelectors []Condition
}

// Condition is about one field of an event. Of the positive operators' values one has
// to match, of the negative ones' none may
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/filtering-data-events.html).
type Condition struct {
	Field                                 string
	Equals, StartsWith, EndsWith          []string `json:",omitempty"`
	NotEquals, NotStartsWith, NotEndsWith []string `json:",omitempty"`
}

// maxValues is CloudTrail's limit of all values of a trail.
const maxValues = 500

// fields are those that a selector of data events can be about, and whether Equals
// alone can.
func fields() map[string]bool {
	return map[string]bool{
		"eventCategory": true, "resources.type": true, "readOnly": true,
		"eventName": false, "resources.ARN": false, "userIdentity.arn": false,
	}
}

func checkSelectors(all []Selector) error {
	if len(all) == 0 {
		return errors.New("the sandbox supports trails with AdvancedEventSelectors alone")
	}
	values := 0
	for _, s := range all {
		equals := map[string][]string{}
		for _, c := range s.FieldSelectors {
			equalsOnly, known := fields()[c.Field]
			if !known {
				return fmt.Errorf("InvalidEventSelectorsException: the sandbox knows no field %q of data events", c.Field)
			}
			others := slices.Concat(c.StartsWith, c.EndsWith, c.NotEquals, c.NotStartsWith, c.NotEndsWith)
			if equalsOnly && len(others) > 0 {
				return fmt.Errorf("InvalidEventSelectorsException: %s takes Equals alone", c.Field)
			}
			if equals[c.Field] != nil || len(c.Equals)+len(others) == 0 {
				return fmt.Errorf("InvalidEventSelectorsException: %s is given twice, or without a value", c.Field)
			}
			equals[c.Field] = append(c.Equals, others...)
			values += len(equals[c.Field])
		}
		if !slices.Equal(equals["eventCategory"], []string{"Data"}) || len(equals["resources.type"]) != 1 {
			return fmt.Errorf("the sandbox supports selectors of data events of one type of resources alone, not %q", s.Name)
		}
	}
	if values > maxValues {
		return fmt.Errorf("InvalidEventSelectorsException: %d values, at most %d are allowed", values, maxValues)
	}
	return nil
}

// takes says whether one of the selectors takes the event.
func takes(all []Selector, event map[string]any) bool {
	return slices.ContainsFunc(all, func(s Selector) bool {
		return !slices.ContainsFunc(s.FieldSelectors, func(c Condition) bool { return !c.holds(event) })
	})
}

func (c Condition) holds(event map[string]any) bool {
	values := valuesOf(event, c.Field)
	match := func(list []string, is func(value, with string) bool) bool {
		return slices.ContainsFunc(list, func(with string) bool {
			return slices.ContainsFunc(values, func(value string) bool { return is(value, with) })
		})
	}
	equal := func(a, b string) bool { return a == b }
	if len(c.Equals)+len(c.StartsWith)+len(c.EndsWith) > 0 &&
		!match(c.Equals, equal) && !match(c.StartsWith, strings.HasPrefix) && !match(c.EndsWith, strings.HasSuffix) {
		return false
	}
	return !match(c.NotEquals, equal) && !match(c.NotStartsWith, strings.HasPrefix) && !match(c.NotEndsWith, strings.HasSuffix)
}

// valuesOf are an event's values of a field. A request for several objects has a prefix
// of their ARNs instead of one.
func valuesOf(event map[string]any, field string) (values []string) {
	switch field {
	case "resources.type", "resources.ARN":
		for _, r := range event["resources"].([]any) {
			resource := r.(map[string]any)
			if field == "resources.type" {
				values = append(values, resource["type"].(string))
			} else if arn, ok := resource["ARN"].(string); ok {
				values = append(values, arn)
			} else {
				values = append(values, resource["ARNPrefix"].(string))
			}
		}
		return values
	case "userIdentity.arn":
		return []string{fmt.Sprint(event["userIdentity"].(map[string]any)["arn"])}
	}
	return []string{fmt.Sprint(event[field])}
}
