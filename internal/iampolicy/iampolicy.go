// Package iampolicy evaluates IAM's policy documents, for whoever asks what a
// policy allows: doctor, which sees the policies of a real account and knows
// little of the requests that will come, and the sandbox, which knows all of a
// request.
//
// An answer is one of three, because a condition may ask for what nobody here
// knows. What this package does not understand of a document is never skipped:
// it makes the answer Perhaps. Permissions boundaries, session policies and the
// policies of an organization are not looked at.
package iampolicy

import "slices"

// Answer is whether something is so.
type Answer int

// The answers, in the order of their certainty that it is.
const (
	No Answer = iota
	Perhaps
	Yes
)

func (a Answer) String() string { return [...]string{"no", "perhaps", "yes"}[a] }

func answer(b bool) Answer {
	if b {
		return Yes
	}
	return No
}

// Request is what a policy is asked about.
type Request struct {
	Action   string // as "s3:PutObject", in any case
	Resource string // an ARN; empty: the role that a trust policy belongs to

	// Principal is who asks. Nil asks a policy that is attached to the one who
	// asks: its statements name nobody.
	Principal *Principal

	// Context has the condition keys with one value, Lists those with several
	// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html).
	// Their names are in lower case.
	Context map[string]string
	Lists   map[string][]string
	// Absent are keys that the request is known not to have.
	Absent []string

	// Whole says that this is all of one request: a key that is missing is absent,
	// and a "*" is one. Otherwise what a missing key would be is not known, and a
	// Resource or value with a "*" stands for all that match it: an Allow has to
	// cover them all, and a Deny of some of them counts as one of all.
	Whole bool
}

// Principal is who makes a request, in one of the ways in which a statement can
// name him. The zero value is nobody in particular, whom only "*" means.
type Principal struct {
	Service string   // as "sns.amazonaws.com"
	ARNs    []string // of the user, or of the role and its session

	// Account asks for the statements that name the account. They leave it to the
	// identity's own policies, and "*" is not among them.
	Account string
}

// Says is what policies say of a request: whether an Allow applies to it, and
// whether a Deny.
type Says struct{ Allows, Denies Answer }

// And is what two policies say together.
func (s Says) And(other Says) Says {
	return Says{Allows: max(s.Allows, other.Allows), Denies: max(s.Denies, other.Denies)}
}

// Answer is whether the policies allow the request, as far as it is theirs to:
// a Deny that applies wins over an Allow that applies, and without one the
// answer is no
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html).
func (s Says) Answer() Answer {
	switch {
	case s.Denies == Yes || s.Allows == No:
		return No
	case s.Denies == Perhaps:
		return Perhaps
	}
	return s.Allows
}

// Policies are documents that are asked together.
type Policies []*Document

// ParseAll reads documents (JSON) as Parse does.
func ParseAll(documents []string) (Policies, error) {
	var list Policies
	for _, text := range documents {
		d, err := Parse([]byte(text))
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, nil
}

// Ask puts a request to all of the policies.
func (p Policies) Ask(r Request) Answer {
	var all Says
	for _, d := range p {
		all = all.And(d.Says(r))
	}
	return all.Answer()
}

// Ask puts a request to several documents (JSON) together. One that cannot be
// read is an error, and the answer Perhaps.
func Ask(documents []string, r Request) (Answer, error) {
	policies, err := ParseAll(documents)
	if err != nil {
		return Perhaps, err
	}
	return policies.Ask(r), nil
}

// Says puts a request to the document. A nil document says nothing.
func (d *Document) Says(r Request) Says {
	var says Says
	if d == nil {
		return says
	}
	for i := range d.statements {
		s := &d.statements[i]
		applies := s.applies(r)
		if s.allow {
			says.Allows = max(says.Allows, applies)
		} else {
			says.Denies = max(says.Denies, applies)
		}
	}
	return says
}

// applies says whether the statement is about the request: all of its elements
// have to be.
func (s *statement) applies(r Request) Answer {
	result := s.principal.names(r.Principal)
	for _, element := range []func(Request) Answer{s.hasAction, s.hasResource, s.holds} {
		if result == No {
			break
		}
		result = min(result, element(r))
	}
	return result
}

func (s *statement) hasAction(r Request) Answer {
	covers := func(pattern string) bool { return matchFold(pattern, r.Action) }
	if s.notActions != nil {
		return answer(!slices.ContainsFunc(s.notActions, covers))
	}
	return answer(slices.ContainsFunc(s.actions, covers))
}

func (s *statement) hasResource(r Request) Answer {
	switch {
	case s.notResources != nil:
		// Of an Allow of all but some, none of what is asked for may be among those;
		// a Deny of all but some is about it unless they cover all of it.
		return not(s.anyResource(s.notResources, r, s.allow && !r.Whole))
	case s.resources != nil:
		return s.anyResource(s.resources, r, !s.allow && !r.Whole)
	}
	return answer(isTrust(r.Action)) // a trust policy: the resource is the role that it belongs to
}

// anyResource says whether one of the patterns is about the resource: it covers
// it or, where some of it is enough, has a part of it.
func (s *statement) anyResource(patterns []string, r Request, some bool) Answer {
	result := No
	for _, pattern := range patterns {
		switch {
		case s.hasVariable(pattern):
			result = max(result, Perhaps)
		case pattern == "*" || matchARN(pattern, r.Resource) || some && intersect(pattern, r.Resource):
			return Yes
		// A * at the end of one of an ARN's segments can reach over the colon
		// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html).
		case match(pattern, r.Resource):
			result = max(result, Perhaps)
		}
	}
	return result
}

func not(a Answer) Answer { return Yes - a }

func (p principal) names(who *Principal) Answer {
	switch {
	case who == nil:
		return answer(p.nobody)
	case p.nobody:
		return No
	case p.unclear:
		return Perhaps
	}
	named := func(arn string) bool { return slices.Contains(p.arns, arn) }
	switch {
	case who.Account != "" && slices.Contains(p.accounts, who.Account),
		who.Account == "" && p.everyone,
		who.Account == "" && who.Service != "" && slices.Contains(p.services, who.Service),
		who.Account == "" && slices.ContainsFunc(who.ARNs, named):
		return Yes
	case p.canonical && who.Service == "":
		return Perhaps
	}
	return No
}

// holds evaluates the conditions, all of which have to hold.
func (s *statement) holds(r Request) Answer {
	result := Yes
	for i := range s.conditions {
		result = min(result, s.conditions[i].holds(r))
	}
	return result
}
