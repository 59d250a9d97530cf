package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"s3fanout/internal/sandbox/accesspoint"
	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/template"
)

// accessPointProperties are those of AWS::S3::MultiRegionAccessPoint. All of them
// are fixed. Blocks of public access only have to be well formed: nothing here is
// public.
type accessPointProperties struct {
	Name    string
	Regions []struct {
		Bucket          string
		BucketAccountID string `json:"BucketAccountId"`
	}
	PublicAccessBlockConfiguration *struct{ BlockPublicAcls, BlockPublicPolicy, IgnorePublicAcls, RestrictPublicBuckets bool }
}

var accessPointName = regexp.MustCompile(`^[a-z0-9][-a-z0-9]{1,48}[a-z0-9]$`)

func makeAccessPoint(_ context.Context, d *deployment, _ target, raw json.RawMessage) (template.Created, error) {
	var p accessPointProperties
	if err := template.DecodeProperties(raw, &p); err != nil {
		return template.Created{}, err
	}
	if p.Name == "" {
		p.Name = "mrap-" + requestID()[:8]
	}
	if !accessPointName.MatchString(p.Name) {
		return template.Created{}, fmt.Errorf(
			"property Name: %q is not the name of an access point: 3 to 50 lower-case letters, digits and hyphens", p.Name)
	}
	var buckets []accesspoint.Bucket
	for _, r := range p.Regions {
		if r.BucketAccountID != "" && r.BucketAccountID != AccountID {
			return template.Created{}, fmt.Errorf(
				"property Regions: bucket %s is said to be account %s's; the sandbox has account %s alone",
				r.Bucket, r.BucketAccountID, AccountID,
			)
		}
		region, ok := d.s3.RegionOf(r.Bucket)
		if !ok {
			return template.Created{}, fmt.Errorf("property Regions: there is no bucket %s", r.Bucket)
		}
		buckets = append(buckets, accesspoint.Bucket{Region: region, Name: r.Bucket})
	}
	point, err := d.points.Create(p.Name, buckets)
	if err != nil {
		return template.Created{}, err
	}
	return template.Created{Ref: point.Name, Attributes: map[string]string{
		"Alias": point.Alias, "CreatedAt": point.Created.Format(time.RFC3339),
	}}, nil
}

func removeAccessPoint(_ context.Context, d *deployment, _ target, old resource) error {
	d.points.Delete(old.created.Ref)
	return nil
}

type accessPointPolicyProperties struct {
	MrapName string
	Policy   json.RawMessage
}

func makeAccessPointPolicy(_ context.Context, d *deployment, _ target, raw json.RawMessage) (template.Created, error) {
	p, err := d.putAccessPointPolicy(raw)
	return template.Created{Ref: p.MrapName}, err
}

func updateAccessPointPolicy(_ context.Context, d *deployment, _ target, _ resource, raw json.RawMessage) error {
	_, err := d.putAccessPointPolicy(raw)
	return err
}

func (d *deployment) putAccessPointPolicy(raw json.RawMessage) (p accessPointPolicyProperties, err error) {
	if err := template.DecodeProperties(raw, &p); err != nil {
		return p, err
	}
	document, err := iam.ParseAs(iam.ResourcePolicy, p.Policy)
	if err != nil {
		return p, fmt.Errorf("property Policy: %w", err)
	}
	return p, d.points.SetPolicy(p.MrapName, document)
}

// removeAccessPointPolicy leaves the access point without a policy, where it is
// still there.
func removeAccessPointPolicy(_ context.Context, d *deployment, _ target, old resource) error {
	for _, point := range d.points.Points() {
		if point.Name == old.created.Ref {
			return d.points.SetPolicy(point.Name, nil)
		}
	}
	return nil
}
