package functionenv

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"s3fanout/internal/replicaset"
)

// encodeFollow adds the variables of what is followed, none for nothing.
func encodeFollow(rules replicaset.FollowRules, variables map[string]string) {
	if rules.Set.Any() {
		variables[Follow] = rules.Set.Encode()
	}
	if !rules.Since.IsZero() {
		variables[FollowSince] = rules.Since.UTC().Format(time.RFC3339)
	}
	var filters []string
	for _, f := range rules.Filters {
		// Encoded, neither part has a colon or a comma.
		filters = append(filters, strings.Join([]string{
			f.Follow.Encode(), replicaset.EncodeFilterValue(f.Prefix), replicaset.EncodeFilterValue(f.Suffix)}, ":"))
	}
	if filters != nil {
		variables[FollowFilters] = strings.Join(filters, ",")
	}
}

// decodeFollow reads what encodeFollow writes.
func decodeFollow(getenv func(string) string) (replicaset.FollowRules, error) {
	wrong := func(name string, err error) (replicaset.FollowRules, error) {
		return replicaset.FollowRules{}, fmt.Errorf("environment variable %s: %w", name, err)
	}
	var rules replicaset.FollowRules
	var err error
	if rules.Set, err = replicaset.DecodeFollow(getenv(Follow)); err != nil {
		return wrong(Follow, err)
	}
	if since := getenv(FollowSince); since != "" {
		at, err := time.Parse(time.RFC3339, since)
		if err != nil {
			return wrong(FollowSince, fmt.Errorf("%q is not a time", since))
		}
		rules.Since = at.UTC()
	}
	list := getenv(FollowFilters)
	if list == "" {
		return rules, nil
	}
	for _, text := range strings.Split(list, ",") {
		filter, err := decodeFilter(text)
		if err != nil {
			return wrong(FollowFilters, err)
		}
		rules.Filters = append(rules.Filters, filter)
	}
	return rules, nil
}

func decodeFilter(text string) (replicaset.Filter, error) {
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return replicaset.Filter{}, fmt.Errorf("%q is not <follow>:<prefix>:<suffix>", text)
	}
	filter := replicaset.Filter{OwnFollow: true}
	var err error
	if filter.Follow, err = replicaset.DecodeFollow(parts[0]); err != nil {
		return replicaset.Filter{}, err
	}
	for i, into := range []*string{&filter.Prefix, &filter.Suffix} {
		if *into, err = url.QueryUnescape(parts[i+1]); err != nil {
			return replicaset.Filter{}, fmt.Errorf("%q: %w", text, err)
		}
	}
	return filter, nil
}
