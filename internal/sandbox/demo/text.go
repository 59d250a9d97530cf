package demo

import (
	"fmt"
	"strings"

	"s3fanout/internal/operator/redrive"
	"s3fanout/internal/sandbox"
	"s3fanout/internal/table"
)

// costs are what all Regions' functions did together.
type costs struct {
	invocations, copies, otherRequests, filtered int64
}

func count(s sandbox.Stats) costs {
	var c costs
	for _, region := range s.Regions {
		c.invocations += region.Lambda.Invocations
		c.filtered += region.SNS.Filtered
		for caller, operations := range region.S3 {
			if !strings.Contains(caller, ":assumed-role/") { // the demo's own requests
				continue
			}
			for operation, n := range operations {
				if operation == "CopyObject" {
					c.copies += n
				} else {
					c.otherRequests += n
				}
			}
		}
	}
	return c
}

// describe names the objects of a dead letter.
func describe(r redrive.Result) string {
	var keys []string
	for _, o := range r.Letter.Objects {
		keys = append(keys, fmt.Sprintf("s3://%s/%s", o.Bucket, o.Key))
	}
	return strings.Join(keys, ", ")
}

// indented wraps a text into lines that are indented.
func indented(text string) string {
	const indent = "    "
	return indent + table.Wrap(text, columns-len(indent), indent)
}
