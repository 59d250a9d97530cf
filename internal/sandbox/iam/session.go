package iam

import (
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
}

// ErrSessionTooLong is the refusal of a session that would outlast the role's
// MaxSessionDuration.
var ErrSessionTooLong = errors.New("the session would last longer than the role allows")

// AssumeRole starts a session of a role, if the role's trust policy lets the
// caller, and returns the session's credentials and who has them. Without
// that, and if there is no such role, the error is a *DeniedError: AWS does
// not tell the two apart. It is ErrSessionTooLong for a longer session than the
// role has.
func (s *Store) AssumeRole(q Session, now time.Time) (Credentials, Caller, error) {
	context := map[string]string{"sts:RoleSessionName": q.Name}
	if q.ExternalID != "" {
		context["sts:ExternalId"] = q.ExternalID
	}
	request := Request{Caller: q.Caller, Action: "sts:AssumeRole", Resource: q.RoleARN, Context: context}
	r, ok := s.Role(q.RoleARN)
	if !ok || r.ARN != q.RoleARN {
		return Credentials{}, Caller{}, newQuestion(request).deny(reasonNoTrust)
	}
	request.ResourcePolicy = r.Trust()
	if err := authorizeTrust(request); err != nil {
		return Credentials{}, Caller{}, err
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
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[c.AccessKeyID] = session{credentials: c, caller: caller}
	return c, caller, nil
}

// AssumeRoleForService lets an AWS service start a session of a role, as
// AssumeRole does; the credentials last as long as the store.
func (s *Store) AssumeRoleForService(roleARN, sessionName, service string) (Credentials, Caller, error) {
	return s.AssumeRole(Session{
		Caller:  Caller{Service: service, SourceAccount: s.accountID},
		RoleARN: roleARN, Name: sessionName,
	}, time.Time{})
}
