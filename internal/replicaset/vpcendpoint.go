package replicaset

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// VPCEndpoint is where a Region has an interface endpoint for the access points.
type VPCEndpoint struct {
	VPCID     string   // "vpcId" in JSON
	SubnetIDs []string // "subnetIds" in JSON, one in each Availability Zone
	// SecurityGroupIDs ("securityGroupIds" in JSON) let clients in; none stands for
	// the VPC's default group.
	SecurityGroupIDs []string
}

// vpcEndpointsWanted and vpcEndpointWanted are what the field and one of its
// members have to be, for messages.
const (
	vpcEndpointsWanted = `an object of Regions and {"vpcId": …, "subnetIds": […]}`
	vpcEndpointWanted  = `an object such as {"vpcId": …, "subnetIds": […]}`
)

// validateVPCEndpoints assumes that the Regions and the access points are valid.
func (c Config) validateVPCEndpoints() error {
	if c.VPCEndpoints == nil {
		return nil
	}
	if c.AccessPoint == nil {
		return fmt.Errorf("vpcEndpoints: they lead to access points; set accessPoint as well")
	}
	if len(c.VPCEndpoints) == 0 {
		return fmt.Errorf("vpcEndpoints: the object is empty; name a VPC, or leave it out")
	}
	for _, region := range slices.Sorted(maps.Keys(c.VPCEndpoints)) {
		field := "vpcEndpoints." + excerpt([]byte(region))
		if !c.Contains(region) {
			return fmt.Errorf("%s: it is not one of regions; add it there, or remove it here", field)
		}
		if !reachesRegion(region) {
			return fmt.Errorf("%s: S3's access points do not reach it; remove it", field)
		}
		if err := c.VPCEndpoints[region].check(field); err != nil {
			return err
		}
	}
	return nil
}

// check judges the IDs of one endpoint.
func (e VPCEndpoint) check(field string) error {
	for _, list := range []struct {
		name, kind string
		ids        []string
		required   bool
	}{
		{"vpcId", "vpc", []string{e.VPCID}, true},
		{"subnetIds", "subnet", e.SubnetIDs, true},
		{"securityGroupIds", "sg", e.SecurityGroupIDs, false},
	} {
		if list.required && len(list.ids) == 0 || list.ids != nil && len(list.ids) == 0 {
			return fmt.Errorf("%s.%s: it is missing or empty; give IDs such as %s-0123456789abcdef0", field, list.name, list.kind)
		}
		valid := regexp.MustCompile("^" + list.kind + "-([0-9a-f]{8}|[0-9a-f]{17})$")
		for i, id := range list.ids {
			switch {
			case !valid.MatchString(id):
				return fmt.Errorf("%s.%s: %s is not an ID such as %s-0123456789abcdef0", field, list.name, excerpt([]byte(id)), list.kind)
			case slices.Index(list.ids, id) < i:
				return fmt.Errorf("%s.%s: %s is listed twice; remove one", field, list.name, id)
			}
		}
	}
	return nil
}

// vpcEndpointMap is the field vpcEndpoints, read strictly.
type vpcEndpointMap map[string]VPCEndpoint

// UnmarshalJSON implements json.Unmarshaler. Its errors are of type saidError
// where a member is at fault.
func (m *vpcEndpointMap) UnmarshalJSON(raw []byte) error {
	members, err := membersOf(raw)
	if err != nil {
		return err
	}
	endpoints := make(vpcEndpointMap, len(members))
	for _, member := range members {
		var e VPCEndpoint
		err := readObject(member.Value, e.fields())
		if err != nil {
			return inMember(member, vpcEndpointWanted, err)
		}
		endpoints[member.Name] = e
	}
	*m = endpoints
	return nil
}

// fields are the members of an endpoint in JSON.
func (e *VPCEndpoint) fields() []configField {
	return []configField{
		{name: "vpcId", into: &e.VPCID, want: "a string"},
		{name: "subnetIds", into: &e.SubnetIDs, want: "a list of subnets' IDs"},
		{name: "securityGroupIds", into: &e.SecurityGroupIDs, want: "a list of security groups' IDs"},
	}
}
