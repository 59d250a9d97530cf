package iam

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// Session asks for a session of a role.
type Session struct {
	Caller     Caller // who assumes the role
	RoleARN    string
	Name       string        // role session name
	ExternalID string        // sts:ExternalId; empty: none was given
	Duration   time.Duration // until the credentials expire; zero: never

	// SourceIdentity is who acts, whatever roles he goes through. If empty, it is
	// that of the caller's session.
	SourceIdentity string
	// Tagged says that the session is given tags, and HandsOnTags that some of
	// them go along when another role is assumed in it.
	Tagged, HandsOnTags bool
}

// actions are what the role's trust policy has to allow: a source identity and
// tags take an action of their own each, given or handed on.
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html,
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html)
func (q Session) actions() []string {
	list := []string{"sts:AssumeRole"}
	if q.sourceIdentity() != "" {
		list = append(list, "sts:SetSourceIdentity")
	}
	if q.Tagged || q.Caller.HandsOnTags {
		list = append(list, "sts:TagSession")
	}
	return list
}

func (q Session) sourceIdentity() string { return cmp.Or(q.SourceIdentity, q.Caller.SourceIdentity) }

// ErrSessionTooLong is the refusal of a session that would outlast the role's
// MaxSessionDuration.
var ErrSessionTooLong = errors.New("the session would last longer than the role allows")

// AssumeRole starts a session of a role, if the role's trust policy lets the
// caller, and returns the session's credentials and who has them. Without
// that, where the source identity of the caller's session would change, and if there is no such role, the error is a *DeniedError: AWS does
// not tell the two apart. It is ErrSessionTooLong for a longer session than the
// role has.
func (s *Store) AssumeRole(q Session, now time.Time) (Credentials, Caller, error) {
	context := map[string]string{"sts:RoleSessionName": q.Name}
	if q.ExternalID != "" {
		context["sts:ExternalId"] = q.ExternalID
	}
	if identity := q.sourceIdentity(); identity != "" {
		context["sts:SourceIdentity"] = identity
	}
	request := Request{Caller: q.Caller, Action: "sts:AssumeRole", Resource: q.RoleARN, Context: context}
	r, ok := s.Role(q.RoleARN)
	if !ok || r.ARN != q.RoleARN {
		return Credentials{}, Caller{}, newQuestion(request).deny(reasonNoTrust)
	}
	request.ResourcePolicy = r.Trust()
	for _, request.Action = range q.actions() {
		if err := authorizeTrust(request); err != nil {
			return Credentials{}, Caller{}, err
		}
	}
	if held := q.Caller.SourceIdentity; held != "" && q.sourceIdentity() != held {
		request.Action = "sts:SetSourceIdentity"
		return Credentials{}, Caller{}, newQuestion(request).deny(reasonIdentityKept)
	}
	if q.Duration > r.MaxSessionDuration() {
		return Credentials{}, Caller{}, fmt.Errorf("assume %s: %w", r.ARN, ErrSessionTooLong)
	}
	c := Credentials{
		AccessKeyID:     "ASIA" + randomID(16),
		SecretAccessKey: randomSecret(30),
		SessionToken:    randomSecret(96),
	}
	if q.Duration > 0 {
		c.Expiration = now.Add(q.Duration).UTC().Truncate(time.Second)
	}
	caller := Caller{
		ARN:         fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", s.partition, s.accountID, r.Name, q.Name),
		PrincipalID: r.ID + ":" + q.Name,
		AccountID:   s.accountID,
		Role:        r,
		Region:      q.Caller.Region,

		SourceIdentity: q.sourceIdentity(),
		HandsOnTags:    q.HandsOnTags || q.Caller.HandsOnTags,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[c.AccessKeyID] = session{credentials: c, caller: caller}
	return c, caller, nil
}

// AssumeRoleForService lets an AWS service start a session of a role in a Region, as
// AssumeRole does; the credentials last as long as the store.
func (s *Store) AssumeRoleForService(roleARN, sessionName, service, region string) (Credentials, Caller, error) {
	return s.AssumeRole(Session{
		Caller:  Caller{Service: service, SourceAccount: s.accountID, Region: region},
		RoleARN: roleARN, Name: sessionName,
	}, time.Time{})
}
