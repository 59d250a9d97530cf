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
	filterReplicas // drops what one role wrote
)

// filter is what doctor distinguishes in a subscription's filter.
type filter struct {
	kind    filterKind
	roleID  string // of filterReplicas
	markers bool   // the role's delete markers pass
	dropped string // the prefix of keys that do not, "" for none
}

// classify tells what a filter does. The form is that of infra/mesh.go.
func classify(s SubscriptionSettings) filter {
	text := strings.TrimSpace(s.FilterPolicy)
	if text == "" || text == "{}" {
		return filter{kind: filterNone}
	}
	if s.FilterScope != "MessageBody" {
		return filter{kind: filterOther}
	}
	rest, dropped := withoutDropped(json.RawMessage(text))
	if string(rest) == "{}" {
		return filter{kind: filterNone, dropped: dropped}
	}
	rest, markers := withoutMarkers(rest)
	kind, roleID := classifyReplicaFilter(rest)
	return filter{kind: kind, roleID: roleID, markers: markers, dropped: dropped}
}

// withoutDropped takes the part about keys away from a policy that has one, and
// returns the prefix that it drops.
func withoutDropped(policy json.RawMessage) (rest json.RawMessage, prefix string) {
	var root map[string]json.RawMessage
	var records map[string]json.RawMessage
	if json.Unmarshal(policy, &root) != nil || json.Unmarshal(root["Records"], &records) != nil {
		return policy, ""
	}
	object, ok := only(records["s3"], "object")
	key, isKey := only(object, "key")
	prefix, isPrefix := butPrefix(key)
	if !ok || !isKey || !isPrefix || prefix == "" {
		return policy, ""
	}
	delete(records, "s3")
	delete(root, "Records")
	if len(records) > 0 {
		root["Records"], _ = json.Marshal(records) // was read from JSON
	}
	rest, _ = json.Marshal(root)
	return rest, prefix
}

// butPrefix reads rules that match anything but what has a prefix.
func butPrefix(rules json.RawMessage) (string, bool) {
	var list []json.RawMessage
	if json.Unmarshal(rules, &list) != nil || len(list) != 1 {
		return "", false
	}
	but, ok := only(list[0], "anything-but")
	if !ok {
		return "", false
	}
	value, ok := only(but, "prefix")
	var prefixes iampolicy.OneOrMore[string]
	if !ok || json.Unmarshal(value, &prefixes) != nil || len(prefixes) != 1 {
		return "", false
	}
	return prefixes[0], true
}

// withoutMarkers takes the part for delete markers away from a policy that has one.
func withoutMarkers(policy json.RawMessage) (rest json.RawMessage, had bool) {
	either, ok := only(policy, "$or")
	var alternatives []json.RawMessage
	if !ok || json.Unmarshal(either, &alternatives) != nil || len(alternatives) != 2 {
		return policy, false
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
	return policy, false
}

func classifyReplicaFilter(policy json.RawMessage) (kind filterKind, roleID string) {
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
	prefix, ok := butPrefix(rule)
	if !ok {
		return filterOther, ""
	}
	id, hasStart := strings.CutPrefix(prefix, "AWS:")
	id, hasEnd := strings.CutSuffix(id, ":")
	// Without the colons and an ID between them the prefix covers others too.
	if !hasStart || !hasEnd || id == "" || strings.Contains(id, ":") {
		return filterOther, ""
	}
	return filterReplicas, id
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
