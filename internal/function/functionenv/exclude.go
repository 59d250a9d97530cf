package functionenv

import (
	"fmt"
	"strings"

	"s3fanout/internal/replicaset"
)

// encodeExclude adds the variable of what is left out, none for nothing.
func encodeExclude(list replicaset.Exclusions, variables map[string]string) {
	var texts []string
	for _, e := range list {
		// Encoded, neither part has a colon or a comma.
		texts = append(texts, replicaset.EncodeFilterValue(e.Prefix)+":"+replicaset.EncodeFilterValue(e.Suffix))
	}
	if texts != nil {
		variables[Exclude] = strings.Join(texts, ",")
	}
}

// decodeExclude reads what encodeExclude writes.
func decodeExclude(getenv func(string) string) (replicaset.Exclusions, error) {
	text := getenv(Exclude)
	if text == "" {
		return nil, nil
	}
	var list replicaset.Exclusions
	for _, text := range strings.Split(text, ",") {
		e, ok := decodePattern(text) // one that asks for nothing would leave out every key
		if !ok {
			return nil, fmt.Errorf("environment variable %s: %q is not <prefix>:<suffix>", Exclude, text)
		}
		list = append(list, e)
	}
	return list, nil
}
