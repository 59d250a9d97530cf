package s3

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"errors"

	"github.com/versity/versitygw/auth"

	"s3fanout/internal/sandbox/iam"
)

// accounts shows the sandbox's identities to the server, so that it can check
// signatures, those of role sessions among them. To the server they are all
// administrators of the one account: what a caller may do is decided before a
// request gets there.
type accounts struct {
	store *iam.Store
}

var (
	_ auth.IAMService         = accounts{}
	_ auth.SigningKeyProvider = accounts{}
)

var errReadOnlyAccounts = errors.New("the sandbox's identities are not changed through S3")

func (a accounts) owner() auth.Account {
	return auth.Account{Access: a.store.AccountID(), Role: auth.RoleAdmin}
}

// DeriveSigningKey returns the key that a request of that scope is signed
// with (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
func (a accounts) DeriveSigningKey(access, sessionToken, date, region, service string) ([]byte, auth.Account, error) {
	c, _, ok := a.store.Lookup(access)
	if !ok {
		return nil, auth.Account{}, auth.ErrNoSuchUser
	}
	if subtle.ConstantTimeCompare([]byte(c.SessionToken), []byte(sessionToken)) != 1 {
		return nil, auth.Account{}, auth.ErrInvalidSessionToken
	}
	key := []byte("AWS4" + c.SecretAccessKey)
	for _, part := range []string{date, region, service, "aws4_request"} {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(part))
		key = h.Sum(nil)
	}
	return key, a.owner(), nil
}

// GetUserAccount looks up an access key.
func (a accounts) GetUserAccount(access string) (auth.Account, error) {
	if _, _, ok := a.store.Lookup(access); !ok && access != a.store.AccountID() {
		return auth.Account{}, auth.ErrNoSuchUser
	}
	return a.owner(), nil
}

// ResolveAccounts returns those that do not exist.
func (a accounts) ResolveAccounts(accessKeyIDs []string) ([]string, error) {
	var missing []string
	for _, id := range accessKeyIDs {
		if _, err := a.GetUserAccount(id); err != nil {
			missing = append(missing, id)
		}
	}
	return missing, nil
}

// CreateAccount refuses.
func (a accounts) CreateAccount(auth.Account) error { return errReadOnlyAccounts }

// UpdateUserAccount refuses.
func (a accounts) UpdateUserAccount(string, auth.MutableProps) error { return errReadOnlyAccounts }

// DeleteUserAccount refuses.
func (a accounts) DeleteUserAccount(string) error { return errReadOnlyAccounts }

// ListUserAccounts lists the one account.
func (a accounts) ListUserAccounts() ([]auth.Account, error) {
	return []auth.Account{a.owner()}, nil
}

// Shutdown does nothing.
func (a accounts) Shutdown() error { return nil }
