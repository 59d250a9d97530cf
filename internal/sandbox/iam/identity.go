// Package iam holds the sandbox's identities and decides what they may do.
//
// It knows one AWS account: an administrator, roles with their trust and
// identity-based policies, and the temporary credentials of role sessions.
// Authorize evaluates identity-based and resource-based policies as IAM does:
// an explicit Deny wins, otherwise one Allow from either side is enough within
// the account, and one from each side across accounts. Policy elements and condition operators that it does not
// know are refused when a document is parsed, never skipped. Permissions
// boundaries, session policies and organisations are not modelled.
package iam

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Credentials are what a request is signed with. SessionToken is empty for
// the administrator's long-term credentials, which never expire; nor do those
// of a function's session.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string
	Expiration      time.Time // zero: never
}

// Expired tells whether the credentials have ended by a time.
func (c Credentials) Expired(now time.Time) bool {
	return !c.Expiration.IsZero() && !now.Before(c.Expiration)
}

// Caller is who makes a request: an identity of the account, or an AWS
// service on behalf of a resource. Exactly one of ARN and Service is set.
type Caller struct {
	ARN         string // arn:aws:iam::<account>:user/<name> or arn:aws:sts::<account>:assumed-role/<role>/<session>
	PrincipalID string // as S3 events give it after "AWS:": AIDA…, or AROA…:<session>
	AccountID   string // account that the identity belongs to
	Role        *Role  // the role of a role session, nil for the administrator

	// Region is where the holder of a function's session runs; empty if nobody knows.
	Region string

	// What a session hands on when its holder assumes another role.
	SourceIdentity string
	HandsOnTags    bool // session tags, whose values nothing here asks for

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
	Name    string
	ARN     string
	ID      string // unique id, "AROA…"
	Created time.Time

	mu          sync.RWMutex
	description string
	maxSession  time.Duration
	trust       *Document
	policies    map[string]*Document // inline policies by name
}

// Trust returns the role's trust policy.
func (r *Role) Trust() *Document {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.trust
}

// Description returns what the role is said to be for.
func (r *Role) Description() string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.description
}

// MaxSessionDuration returns how long sessions that AssumeRole hands out may
// last.
func (r *Role) MaxSessionDuration() time.Duration {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.maxSession
}

// Policy returns the inline policy of a name.
func (r *Role) Policy(name string) (*Document, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	d, ok := r.policies[name]
	return d, ok
}

// PolicyNames returns the names of the role's inline policies, in order.
func (r *Role) PolicyNames() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.Sorted(maps.Keys(r.policies))
}

// PutPolicy adds an inline policy or replaces the one of that name.
func (r *Role) PutPolicy(name string, d *Document) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.policies[name] = d
}

// DeletePolicy removes an inline policy, if the role has it.
func (r *Role) DeletePolicy(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.policies, name)
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
	return NewStoreOf(partition, accountID, NewAdmin())
}

// NewStoreOf returns a store with no roles whose administrator has these
// credentials.
func NewStoreOf(partition, accountID string, admin Credentials) *Store {
	return &Store{
		accountID: accountID,
		partition: partition,
		admin:     admin,
		roles:     map[string]*Role{},
		sessions:  map[string]session{},
	}
}

// NewAdmin makes up credentials for an administrator.
func NewAdmin() Credentials {
	return Credentials{AccessKeyID: "AKIA" + randomID(16), SecretAccessKey: randomSecret(30)}
}

// AccountID returns the account that the store is for.
func (s *Store) AccountID() string { return s.accountID }

// Admin returns the administrator's credentials. The administrator may do
// everything that no resource policy denies.
func (s *Store) Admin() Credentials { return s.admin }

// RoleConfig describes a role. Name and Trust are required.
type RoleConfig struct {
	Name               string
	Description        string
	Trust              *Document
	MaxSessionDuration time.Duration // 1 to 12 hours, 1 hour if zero
}

// Limits of a role's sessions
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html).
const (
	defaultSession = time.Hour
	maxSession     = 12 * time.Hour
)

// CreateRole makes a role. A name that is taken is an error, as in IAM
// (EntityAlreadyExists): role names are unique in the account, not in a Region.
func (s *Store) CreateRole(c RoleConfig) (*Role, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.roles[c.Name] != nil {
		return nil, fmt.Errorf("role %s already exists in the account; role names are global", c.Name)
	}
	r := &Role{
		Name:        c.Name,
		ARN:         s.RoleARN(c.Name),
		ID:          "AROA" + randomID(17),
		Created:     time.Now().UTC().Truncate(time.Second),
		description: c.Description,
		maxSession:  c.MaxSessionDuration,
		trust:       c.Trust,
		policies:    map[string]*Document{},
	}
	s.roles[c.Name] = r
	return r, nil
}

// complete fills in the default and checks the range.
func (c *RoleConfig) complete() error {
	if c.MaxSessionDuration == 0 {
		c.MaxSessionDuration = defaultSession
	}
	if c.MaxSessionDuration < defaultSession || c.MaxSessionDuration > maxSession {
		return fmt.Errorf("role %s: MaxSessionDuration %v is not between %v and %v",
			c.Name, c.MaxSessionDuration, defaultSession, maxSession)
	}
	return nil
}

// Update changes all of a role but its name. Sessions go on, under the
// policies that the role has from now on.
func (r *Role) Update(c RoleConfig) error {
	if err := c.complete(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.description, r.maxSession, r.trust = c.Description, c.MaxSessionDuration, c.Trust
	return nil
}

// DeleteRole removes a role, if there is one of that name, and ends its
// sessions: their credentials are no longer known.
func (s *Store) DeleteRole(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.roles[name]
	delete(s.roles, name)
	maps.DeleteFunc(s.sessions, func(_ string, x session) bool { return r != nil && x.caller.Role == r })
}

// RoleARN returns the ARN of a role of the account, whether it exists or not.
func (s *Store) RoleARN(name string) string {
	return fmt.Sprintf("arn:%s:iam::%s:role/%s", s.partition, s.accountID, name)
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
