package health

import (
	"encoding/json"
	"slices"
	"strings"

	"s3fanout/internal/iampolicy"
)

// filterKind is what a subscription's filter does.
type filterKind int

const (
	filterOther filterKind = iota // something else
	filterNone
	filterEchoes // drops what one role wrote
)

// classify tells what a filter is, and for one of echoes the ID of the role, and
// whether it lets the role's delete markers pass. The form is that of
// infra/mesh.go.
func classify(s SubscriptionSettings) (kind filterKind, roleID string, markers bool) {
	text := strings.TrimSpace(s.FilterPolicy)
	if text == "" || text == "{}" {
		return filterNone, "", false
	}
	if s.FilterScope != "MessageBody" {
		return filterOther, "", false
	}
	if byOthers, ok := withoutMarkers(json.RawMessage(text)); ok {
		kind, roleID = classifyEchoes(byOthers)
		return kind, roleID, true
	}
	kind, roleID = classifyEchoes(json.RawMessage(text))
	return kind, roleID, false
}

// withoutMarkers takes the part for delete markers away from a policy that has one.
func withoutMarkers(policy json.RawMessage) (rest json.RawMessage, had bool) {
	either, ok := only(policy, "$or")
	var alternatives []json.RawMessage
	if !ok || json.Unmarshal(either, &alternatives) != nil || len(alternatives) != 2 {
		return nil, false
	}
	for i, alternative := range alternatives {
		records, ok := only(alternative, "Records")
		if !ok {
			continue
		}
		names, ok := only(records, "eventName")
		var events []string
		if ok && json.Unmarshal(names, &events) == nil && slices.Equal(events, []string{"ObjectRemoved:DeleteMarkerCreated"}) {
			return alternatives[1-i], true
		}
	}
	return nil, false
}

func classifyEchoes(policy json.RawMessage) (kind filterKind, roleID string) {
	root, ok := only(policy, "Records")
	if !ok {
		return filterOther, ""
	}
	identity, ok := only(root, "userIdentity")
	if !ok {
		return filterOther, ""
	}
	rule, ok := only(identity, "principalId")
	if !ok {
		return filterOther, ""
	}
	var rules []json.RawMessage
	if json.Unmarshal(rule, &rules) != nil || len(rules) != 1 {
		return filterOther, ""
	}
	but, ok := only(rules[0], "anything-but")
	if !ok {
		return filterOther, ""
	}
	value, ok := only(but, "prefix")
	var prefixes iampolicy.OneOrMore[string]
	if !ok || json.Unmarshal(value, &prefixes) != nil || len(prefixes) != 1 {
		return filterOther, ""
	}
	id, hasStart := strings.CutPrefix(prefixes[0], "AWS:")
	id, hasEnd := strings.CutSuffix(id, ":")
	// Without the colons and an ID between them the prefix covers others too.
	if !hasStart || !hasEnd || id == "" || strings.Contains(id, ":") {
		return filterOther, ""
	}
	return filterEchoes, id
}

// only returns the value of an object's only member, if that is its name.
func only(object json.RawMessage, name string) (json.RawMessage, bool) {
	var members map[string]json.RawMessage
	if json.Unmarshal(object, &members) != nil || len(members) != 1 {
		return nil, false
	}
	value, ok := members[name]
	return value, ok
}
