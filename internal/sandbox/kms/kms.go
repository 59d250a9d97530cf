// Package kms is the sandbox's AWS KMS: keys, their aliases, and who may use
// them. Its API shows keys and encrypts nothing; the other services ask it,
// where AWS's would ask KMS, whether their caller may use a key.
//
// A key's policy decides, and a caller's own policies only where it leaves the
// decision to the account. Grants, key states, multi-Region keys and keys of
// other accounts are not modelled.
package kms

import (
	"crypto/rand"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"s3fanout/internal/sandbox/iam"
)

// Keys is what other services need to know of KMS.
type Keys interface {
	// Authorize tells whether the caller may do all of the actions
	// ("kms:Decrypt") with the key, in a use: nil, or an error that wraps an
	// *iam.DeniedError or says that there is no such key.
	Authorize(caller iam.Caller, keyARN string, use Use, actions ...string) error
}

// Use is what a service tells KMS of a request, for conditions.
type Use struct {
	Via     string            // the service in its Region, as s3.eu-west-1.amazonaws.com
	Context map[string]string // the encryption context
}

// Service holds the keys of all Regions of one account. Methods may be called
// concurrently.
type Service struct {
	partition, accountID string

	mu      sync.RWMutex
	keys    map[string]*key   // by ARN
	aliases map[string]string // ARN of the key, by Region and name
}

type key struct {
	policy  *iam.Document
	aliases []string
}

// New returns a service without keys.
func New(partition, accountID string) *Service {
	return &Service{partition: partition, accountID: accountID, keys: map[string]*key{}, aliases: map[string]string{}}
}

// CreateKey makes a key and returns its ID and ARN.
func (s *Service) CreateKey(region string, policy *iam.Document) (id, arn string) {
	b := make([]byte, 16)
	rand.Read(b) // never fails: crypto/rand aborts the program instead
	id = fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	arn = s.arn(region, "key/"+id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[arn] = &key{policy: policy}
	return id, arn
}

// CreateAlias gives a key, named as in Resolve, another name in its Region. A
// name that is taken is an error.
func (s *Service) CreateAlias(region, name, target string) error {
	if !regexp.MustCompile(`^alias/[A-Za-z0-9/_-]{1,250}$`).MatchString(name) || strings.HasPrefix(name, "alias/aws/") {
		return fmt.Errorf("create alias %q in %s: it is not alias/ and letters, digits, /, _ or -, or begins with alias/aws/", name, region)
	}
	arn, err := s.Resolve(region, target)
	if err != nil {
		return fmt.Errorf("create alias %q in %s: %w", name, region, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.aliases[region+"/"+name]; taken {
		return fmt.Errorf("create alias %q in %s: an alias with this name exists already", name, region)
	}
	s.aliases[region+"/"+name] = arn
	s.keys[arn].aliases = append(s.keys[arn].aliases, name)
	return nil
}

// DeleteAlias takes a name from its key.
func (s *Service) DeleteAlias(region, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.keys[s.aliases[region+"/"+name]]; k != nil {
		k.aliases = slices.DeleteFunc(k.aliases, func(have string) bool { return have == name })
	}
	delete(s.aliases, region+"/"+name)
}

// DeleteKey makes a key unusable, with all its names.
func (s *Service) DeleteKey(arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.keys, arn)
	maps.DeleteFunc(s.aliases, func(_, of string) bool { return of == arn })
}

// Resolve returns the ARN of the key that a service in the Region means by an
// ARN, an ID or an alias.
func (s *Service) Resolve(region, name string) (arn string, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	arn = name
	switch {
	case strings.HasPrefix(name, "alias/"):
		arn = s.aliases[region+"/"+name]
	case !strings.HasPrefix(name, "arn:"):
		arn = s.arn(region, "key/"+name)
	}
	if s.keys[arn] == nil || !strings.HasPrefix(arn, s.arn(region, "")) {
		return "", fmt.Errorf("the key %q does not exist in %s; the sandbox has the keys that templates make, and none of yours",
			name, region)
	}
	return arn, nil
}

// Authorize implements Keys.
func (s *Service) Authorize(caller iam.Caller, keyARN string, use Use, actions ...string) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	k := s.keys[keyARN]
	if k == nil {
		return fmt.Errorf("key %s does not exist", keyARN)
	}
	context := map[string]string{
		"aws:SecureTransport": "true",
		"kms:ResourceAliases": strings.Join(slices.Sorted(slices.Values(k.aliases)), iam.ValueSeparator),
		"kms:ViaService":      use.Via,
	}
	for name, value := range use.Context {
		context["kms:EncryptionContext:"+name] = value
	}
	maps.DeleteFunc(context, func(_, value string) bool { return value == "" })
	for _, action := range actions {
		err := iam.AuthorizeKey(iam.Request{Caller: caller, Action: action, Resource: keyARN, ResourcePolicy: k.policy, Context: context})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) arn(region, resource string) string {
	return "arn:" + s.partition + ":kms:" + region + ":" + s.accountID + ":" + resource
}
