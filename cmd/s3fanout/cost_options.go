package main

import (
	"errors"
	"fmt"

	"s3fanout/internal/operator/cost"
	"s3fanout/internal/replicaset"
)

// costRead reads --read, how many bytes. It is refused where no access point routes
// them, as it would cost nothing without a word.
func (a *app) costRead(f costFlags) (int64, error) {
	if f.read == "" {
		return 0, nil
	}
	read, err := parseSize(f.read)
	if err != nil {
		return 0, usageError{fmt.Errorf("--read: %w", err)}
	}
	if f.regions != "" {
		return 0, usageError{errors.New("--read: the access point is that of cdk.json; leave --regions or --read out")}
	}
	set, err := a.replicaSet()
	if err != nil {
		return 0, err
	}
	if set.AccessPoint == nil {
		return 0, usageError{errors.New("--read: cdk.json has no access point to read through; leave it out, or add accessPoint there")}
	}
	return read, nil
}

// noteOptions says what options of cdk.json cost that are not in the estimate, as they
// are about access and not about replication.
func (a *app) noteOptions(u cost.Usage, read int64) {
	set, err := a.replicaSet()
	if err != nil {
		return
	}
	p := a.newProgress()
	if set.AuditTrail != nil {
		p.note("the audit trail is not in the estimate: %s a month, with ownWrites %s, if nobody uploads in parts",
			dollars(u.Audit(false)), dollars(u.Audit(true)))
	}
	subnets := endpointSubnets(set)
	access := u.Access(read, subnets)
	what := "what is uploaded"
	if read > 0 {
		what += " and read"
	}
	if set.AccessPoint != nil {
		p.note("the access point is not in the estimate: about %s a month for %s, and from the internet %s to %s more",
			dollars(access.Routing), what, dollars(access.Least), dollars(access.Most))
	}
	if subnets > 0 {
		p.note("the endpoints in VPCs, in %s, are not in the estimate: about %s a month, and %s for %s if all goes through them",
			countOf(subnets, "subnet", "subnets"), dollars(access.Endpoints), dollars(access.EndpointData), what)
	}
}

// endpointSubnets are the subnets in which the set has endpoints for access points.
func endpointSubnets(set replicaset.Config) (n int) {
	for _, e := range set.VPCEndpoints {
		n += len(e.SubnetIDs)
	}
	return n
}
