// Package iam holds the sandbox's identities and decides what they may do.
//
// It knows one AWS account: an administrator, roles with their trust and
// identity-based policies, and the temporary credentials of role sessions.
// Authorize evaluates identity-based and resource-based policies as IAM does
// within one account: an explicit Deny wins, otherwise one Allow from either
// side is enough. Policy elements and condition operators that it does not
// know are refused when a document is parsed, never skipped. Permissions
// boundaries, session policies and organisations are not modelled.
package iam

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
)

// Credentials are what a request is signed with. SessionToken is empty for
// the administrator's long-term credentials.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
}

// Caller is who makes a request: an identity of the account, or an AWS
// service on behalf of a resource. Exactly one of ARN and Service is set.
type Caller struct {
	ARN         string // arn:aws:iam::<account>:user/<name> or arn:aws:sts::<account>:assumed-role/<role>/<session>
	PrincipalID string // as S3 events give it after "AWS:": AIDA…, or AROA…:<session>
	AccountID   string // account that the identity belongs to
	Role        *Role  // the role of a role session, nil for the administrator

	Service       string // service principal, as "sns.amazonaws.com"
	SourceARN     string // aws:SourceArn of a service's request
	SourceAccount string // aws:SourceAccount of a service's request
}

// String names the caller for messages: its ARN or service principal.
func (c Caller) String() string {
	if c.Service != "" {
		return c.Service
	}
	return c.ARN
}

// Role is an IAM role. Methods may be called concurrently.
type Role struct {
	Name  string
	ARN   string
	ID    string // unique id, "AROA…"
	trust *Document

	mu       sync.RWMutex
	policies map[string]*Document // inline policies by name
}

// PutPolicy adds an inline policy or replaces the one of that name.
func (r *Role) PutPolicy(name string, d *Document) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.policies[name] = d
}

// Policies returns the role's identity-based policies.
func (r *Role) Policies() []*Document {
	r.mu.RLock()
	defer r.mu.RUnlock()
	list := make([]*Document, 0, len(r.policies))
	for _, d := range r.policies {
		list = append(list, d)
	}
	return list
}

// Store holds the identities of one account. Methods may be called concurrently.
type Store struct {
	accountID string
	partition string
	admin     Credentials

	mu       sync.RWMutex
	roles    map[string]*Role // by name
	sessions map[string]session
}

type session struct {
	credentials Credentials
	caller      Caller
}

// NewStore returns a store with an administrator and no roles.
func NewStore(partition, accountID string) *Store {
	return &Store{
		accountID: accountID,
		partition: partition,
		admin: Credentials{
			AccessKeyID:     "AKIA" + randomID(16),
			SecretAccessKey: randomSecret(30),
		},
		roles:    map[string]*Role{},
		sessions: map[string]session{},
	}
}

// AccountID returns the account that the store is for.
func (s *Store) AccountID() string { return s.accountID }

// Admin returns the administrator's credentials. The administrator may do
// everything that no resource policy denies.
func (s *Store) Admin() Credentials { return s.admin }

// CreateRole makes a role. A name that is taken is an error, as in IAM
// (EntityAlreadyExists): role names are unique in the account, not in a Region.
func (s *Store) CreateRole(name string, trust *Document) (*Role, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.roles[name] != nil {
		return nil, fmt.Errorf("role %s already exists in the account; role names are global", name)
	}
	r := &Role{
		Name:     name,
		ARN:      fmt.Sprintf("arn:%s:iam::%s:role/%s", s.partition, s.accountID, name),
		ID:       "AROA" + randomID(17),
		trust:    trust,
		policies: map[string]*Document{},
	}
	s.roles[name] = r
	return r, nil
}

// Role returns the role with the given name or ARN.
func (s *Store) Role(nameOrARN string) (*Role, bool) {
	name := nameOrARN
	if i := strings.LastIndex(nameOrARN, "/"); i >= 0 {
		name = nameOrARN[i+1:]
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.roles[name]
	if r == nil || (name != nameOrARN && r.ARN != nameOrARN) {
		return nil, false
	}
	return r, true
}

// AssumeRole lets an AWS service start a session of a role, if the role's
// trust policy allows it, and returns the session's credentials.
func (s *Store) AssumeRole(roleARN, sessionName, service string) (Credentials, Caller, error) {
	r, ok := s.Role(roleARN)
	if !ok {
		return Credentials{}, Caller{}, fmt.Errorf("role %s does not exist", roleARN)
	}
	err := Authorize(Request{
		Caller:         Caller{Service: service, SourceAccount: s.accountID},
		Action:         "sts:AssumeRole",
		Resource:       r.ARN,
		ResourcePolicy: r.trust,
	})
	if err != nil {
		return Credentials{}, Caller{}, err
	}
	c := Credentials{
		AccessKeyID:     "ASIA" + randomID(16),
		SecretAccessKey: randomSecret(30),
		SessionToken:    randomSecret(96),
	}
	caller := Caller{
		ARN:         fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", s.partition, s.accountID, r.Name, sessionName),
		PrincipalID: r.ID + ":" + sessionName,
		AccountID:   s.accountID,
		Role:        r,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[c.AccessKeyID] = session{credentials: c, caller: caller}
	return c, caller, nil
}

// Lookup returns the credentials and the caller that an access key belongs to.
func (s *Store) Lookup(accessKeyID string) (Credentials, Caller, bool) {
	if accessKeyID == s.admin.AccessKeyID {
		return s.admin, Caller{
			ARN:         fmt.Sprintf("arn:%s:iam::%s:user/administrator", s.partition, s.accountID),
			PrincipalID: "AIDA" + strings.TrimPrefix(s.admin.AccessKeyID, "AKIA"),
			AccountID:   s.accountID,
		}, true
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	found, ok := s.sessions[accessKeyID]
	return found.credentials, found.caller, ok
}

// randomID returns n characters of the alphabet that AWS uses for unique ids.
func randomID(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails: crypto/rand aborts the program instead
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)[:n]
}

func randomSecret(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base64.StdEncoding.EncodeToString(b)
}
