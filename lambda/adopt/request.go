package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/cfn"

	"s3fanout/internal/aws/notification"
)

// properties are those of the custom resource, as the template has them.
type properties struct {
	Bucket   string
	Account  string // that the bucket has to belong to
	IDPrefix string `json:"IdPrefix"` // of the set's entries
	// Announcements are the entries that the bucket should have.
	Announcements []announcement
}

type announcement struct {
	ID             string `json:"Id"`
	TopicARN       string `json:"TopicArn"`
	Events         []string
	Prefix, Suffix string // URL-encoded, as S3 has them
}

// read reads a request's properties. What is missing is an error of the template,
// or of somebody who invokes the function by hand.
func read(raw map[string]any) (properties, error) {
	text, err := json.Marshal(raw)
	if err != nil {
		return properties{}, fmt.Errorf("read the resource's properties: %w", err)
	}
	var p properties
	if err := json.Unmarshal(text, &p); err != nil {
		return properties{}, fmt.Errorf("read the resource's properties: %w", err)
	}
	if p.Bucket == "" || p.Account == "" || p.IDPrefix == "" {
		return properties{}, errors.New("the resource's properties lack Bucket, Account or IdPrefix")
	}
	for i, a := range p.Announcements {
		if a.TopicARN == "" || len(a.Events) == 0 || !strings.HasPrefix(a.ID, p.IDPrefix) {
			return properties{}, fmt.Errorf("announcement %d lacks TopicArn or Events, or its Id does not begin with %s", i, p.IDPrefix)
		}
	}
	return p, nil
}

// entries are the announcements as the bucket's notifications have them.
func (p properties) entries() []notification.Entry {
	var entries []notification.Entry
	for _, a := range p.Announcements {
		entries = append(entries, notification.Entry{
			Kind: notification.Topic, ID: a.ID, Destination: a.TopicARN, Events: a.Events, Prefix: a.Prefix, Suffix: a.Suffix,
		})
	}
	return entries
}

// physicalID names the resource. Another bucket makes another resource, of which
// CloudFormation has the old one deleted once the update is done, or the new one
// if it is rolled back.
func (p properties) physicalID() string { return p.IDPrefix + p.Bucket }

// untouched ends the ID of a resource that could not be created and for which
// nothing was written. Its deletion, by which CloudFormation rolls back, has
// nothing to do, and must not fail for what the creation failed for. No bucket's
// name has a slash.
const untouched = "/untouched"

// replaces reports whether an update is about another bucket than before.
func replaces(event cfn.Event, p properties) bool {
	old, err := read(event.OldResourceProperties)
	return err == nil && old.physicalID() != p.physicalID()
}
