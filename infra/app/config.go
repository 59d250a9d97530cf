package main

import (
	"encoding/json"
	"fmt"
	"os"

	"s3fanout/infra"
)

// The environment variables in which the cdk command passes the context of
// cdk.json and of its command line: JSON, and a file with what did not fit.
const (
	contextVariable  = "CDK_CONTEXT_JSON"
	overflowVariable = "CONTEXT_OVERFLOW_LOCATION_ENV"
)

// configuration reads the replica set from the environment and validates it.
// The message of an error is one line that names the field.
func configuration(getenv func(string) string) (infra.Config, error) {
	value, err := contextValue(getenv)
	if err != nil {
		return infra.Config{}, err
	}
	config, err := parse(value)
	if err == nil {
		err = config.Validate()
	}
	if err != nil {
		return infra.Config{}, fmt.Errorf("cdk.json: %w", err)
	}
	return config, nil
}

// contextValue returns the value of the context key, nil if there is none.
func contextValue(getenv func(string) string) (json.RawMessage, error) {
	var sources [][]byte
	if text := getenv(contextVariable); text != "" {
		sources = append(sources, []byte(text))
	}
	if path := getenv(overflowVariable); path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read the context that %s names: %w", overflowVariable, err)
		}
		sources = append(sources, text)
	}
	for _, source := range sources {
		var context map[string]json.RawMessage
		if err := json.Unmarshal(source, &context); err != nil {
			return nil, fmt.Errorf("read the context in %s: %w", contextVariable, err)
		}
		if value, ok := context[infra.ContextKey]; ok {
			return value, nil
		}
	}
	return nil, nil
}

// parse reads the value of the context key: an object in cdk.json, or its
// JSON in a string if it is given on the command line
// (cdk synth -c s3fanout='{…}').
func parse(value json.RawMessage) (infra.Config, error) {
	if value == nil {
		return infra.Config{}, fmt.Errorf(
			"key %q is missing in \"context\"; run through cdk in the project's directory, or add the key", infra.ContextKey)
	}
	var text string
	if json.Unmarshal(value, &text) == nil && string(value) != "null" {
		value = json.RawMessage(text)
	}
	return infra.ParseConfig(value)
}
