package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/template"
)

// The files at the root of a sandbox's directory.
const (
	lockFile     = "sandbox.lock" // held by the sandbox that uses the directory
	identityFile = "sandbox.json"
	halfIdentity = "sandbox.json.new"
)

// errInUse is a directory that another sandbox uses.
var errInUse = errors.New("another sandbox uses it")

// directory is where a sandbox keeps objects and logs.
type directory struct {
	path      string
	temporary bool
	identity  identity
	release   func() error // lets others use it; nil if temporary
}

// identity says whose directory it is. A sandbox that goes on in it is, to its
// clients, the one from before.
type identity struct {
	Stacks          []string `json:"stacks"` // "NAME in REGION", in order
	AccessKeyID     string   `json:"accessKeyId"`
	SecretAccessKey string   `json:"secretAccessKey"`
}

func newIdentity(a *template.Assembly) identity {
	admin := iam.NewAdmin()
	return identity{Stacks: stacksOf(a), AccessKeyID: admin.AccessKeyID, SecretAccessKey: admin.SecretAccessKey}
}

func (i identity) admin() iam.Credentials {
	return iam.Credentials{AccessKeyID: i.AccessKeyID, SecretAccessKey: i.SecretAccessKey}
}

func stacksOf(a *template.Assembly) []string {
	list := []string{}
	for _, s := range a.Stacks {
		list = append(list, s.Name+" in "+s.Region)
	}
	slices.Sort(list)
	return list
}

// openDir takes a new directory, an empty one, or that of an earlier sandbox of
// the same stacks, however that one ended; without a name a temporary one. It is
// the caller's alone until close.
func openDir(dir string, a *template.Assembly) (_ *directory, err error) {
	if dir == "" {
		path, err := os.MkdirTemp("", "s3fanout-sandbox-")
		return &directory{path: path, temporary: true, identity: newIdentity(a)}, err
	}
	d := &directory{}
	if d.path, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(d.path, 0o700); err != nil {
		if cause, ok := errors.AsType[*fs.PathError](err); ok {
			err = cause.Err
		}
		return nil, fmt.Errorf("directory %s: %w; name another directory", dir, err)
	}
	// Before anything is written: what is no sandbox's is left as it is.
	if err := d.check(dir); err != nil {
		return nil, err
	}
	if d.release, err = lock(filepath.Join(d.path, lockFile)); errors.Is(err, errInUse) {
		return nil, fmt.Errorf("directory %s: %w; stop that one, or name another directory", dir, err)
	} else if err != nil {
		return nil, fmt.Errorf("directory %s: %w", dir, err)
	}
	if err := d.identify(dir, a); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

// check refuses a directory that has something in it and is no sandbox's.
func (d *directory) check(dir string) error {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return err
	}
	foreign := false
	for _, e := range entries {
		switch e.Name() {
		case identityFile:
			return nil
		case lockFile, halfIdentity: // of one that was killed as it began
		default:
			foreign = true
		}
	}
	if foreign {
		return misconfigured("directory %s is not empty, and not of a sandbox; name a new one, or leave --dir out for a temporary one", dir)
	}
	return nil
}

// identify reads whose directory it is, or writes it.
func (d *directory) identify(dir string, a *template.Assembly) error {
	raw, err := os.ReadFile(filepath.Join(d.path, identityFile))
	if errors.Is(err, fs.ErrNotExist) {
		d.identity = newIdentity(a)
		return d.write()
	}
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d.identity); err != nil || d.identity.AccessKeyID == "" || d.identity.SecretAccessKey == "" {
		return misconfigured("directory %s: its %s is not a sandbox's of this version; name a new directory", dir, identityFile)
	}
	if !slices.Equal(d.identity.Stacks, stacksOf(a)) {
		return misconfigured(
			"directory %s is that of a sandbox with other stacks (%s); "+
				"name a new one, or start that one and change it with s3fanout sandbox deploy",
			dir, some(d.identity.Stacks),
		)
	}
	return nil
}

// some names the first of a list.
func some(list []string) string {
	switch len(list) {
	case 0:
		return "none"
	case 1:
		return list[0]
	}
	return fmt.Sprintf("%s and %d more", list[0], len(list)-1)
}

// change notes other stacks, whole or not at all. What stays when all are gone
// is still that of the last ones.
func (d *directory) change(a *template.Assembly) error {
	if d.temporary || len(a.Stacks) == 0 {
		return nil
	}
	d.identity.Stacks = stacksOf(a)
	return d.write()
}

func (d *directory) write() error {
	raw, err := json.MarshalIndent(d.identity, "", "  ")
	if err != nil {
		return err
	}
	half := filepath.Join(d.path, halfIdentity)
	if err := os.WriteFile(half, append(raw, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(half, filepath.Join(d.path, identityFile))
}

// close lets others use the directory, or removes it if it is temporary. It may
// be called more than once.
func (d *directory) close() error {
	if d.temporary {
		return os.RemoveAll(d.path)
	}
	if d.release == nil {
		return nil
	}
	err := d.release()
	d.release = nil
	return err
}
