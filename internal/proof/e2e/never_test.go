package e2e

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

const (
	here  = "us-east-1"
	there = "eu-west-1"
)

// scene is what the tries of a table act on: a replica set that has an object
// with several versions and an unfinished upload in each Region, and what is
// beside the set.
type scene struct {
	*world
	versions map[string]string // an old version of the object "kept", by Region
	uploads  map[string]string // an unfinished upload of the key "unfinished", by Region
}

func newScene(w *world) scene {
	s := scene{world: w, versions: map[string]string{}, uploads: map[string]string{}}
	w.leavesUploads = true // those that the tests try to get at
	admin := w.administrator()
	for _, region := range w.regions {
		s.versions[region] = w.upload(region, object{key: "kept", body: "of " + region})
		w.settle()
		w.upload(region, object{key: "kept", body: "of " + region + " again"})
		w.settle()
		out, err := s3.NewFromConfig(admin.in(region)).CreateMultipartUpload(w.t.Context(), &s3.CreateMultipartUploadInput{
			Bucket: aws.String(w.bucket(region)), Key: aws.String("unfinished"),
		})
		if err != nil {
			w.t.Fatal(err)
		}
		s.uploads[region] = *out.UploadId
	}
	if _, err := s3.NewFromConfig(admin.in(here)).PutObject(w.t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(outsideBucket), Key: aws.String("kept"), Body: strings.NewReader("secret"),
	}); err != nil {
		w.t.Fatal(err)
	}
	return s
}

// contents are all versions, delete markers and unfinished uploads everywhere.
func (s scene) contents() []string {
	s.t.Helper()
	var all []string
	admin := s.administrator()
	buckets := map[string]string{outsideBucket: here}
	for _, region := range s.regions {
		buckets[s.bucket(region)] = region
	}
	for bucket, region := range buckets {
		client := s3.NewFromConfig(admin.in(region))
		out, err := client.ListObjectVersions(s.t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String(bucket)})
		if err != nil {
			s.t.Fatal(err)
		}
		for _, v := range out.Versions {
			all = append(all, fmt.Sprint(bucket, " ", *v.Key, " ", *v.VersionId, " ", *v.ETag, " ", *v.IsLatest))
		}
		for _, m := range out.DeleteMarkers {
			all = append(all, fmt.Sprint(bucket, " deleted ", *m.Key, " ", *m.VersionId))
		}
		uploads, err := client.ListMultipartUploads(s.t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String(bucket)})
		if err != nil {
			s.t.Fatal(err)
		}
		for _, u := range uploads.Uploads {
			all = append(all, fmt.Sprint(bucket, " upload ", *u.Key, " ", *u.UploadId))
		}
	}
	slices.Sort(all)
	return all
}

// accessDenied says whether a request was refused for want of permission. A
// HEAD has no body that could say more than 403.
func accessDenied(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) &&
		slices.Contains([]string{"AccessDenied", "AccessDeniedException", "AuthorizationError", "Forbidden"}, api.ErrorCode())
}

// never is something that a role must not be able to do.
type never struct {
	what string
	try  func(scene, identity) error
	// everybody says that the resource's own policy denies it to the
	// administrator too.
	everybody bool
}

// Whatever the function's role must never do is denied to it, with a session
// as the function and a backfill have it. The administrator's tries of the same
// are not, but for those that are denied to everybody: it is the role's want of
// permission that stops them, and nothing else. The role's table of what it may is role_test.go's.
func TestWhatTheRoleMustNeverDo(t *testing.T) {
	t.Parallel()
	s := newScene(withOutside(t, threeRegions(t)))
	set := defaultSet()
	role := s.mustAssume(set.Member(s.state.AccountID, here).RoleARN(), set.OperatorSession())
	s.wantMay(role)
	table := slices.Concat(neverInS3(), neverToMessages(), neverToItself())
	before := s.contents()
	for _, n := range table {
		t.Run(n.what, func(t *testing.T) {
			if err := n.try(s, role); !accessDenied(err) {
				t.Errorf("got %v, want it denied", err)
			}
		})
	}
	if after := s.contents(); !slices.Equal(before, after) {
		t.Errorf("the buckets had\n%s\nand now have\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	s.settle()
	for _, region := range s.regions {
		s.wantLetters(region, 0)
	}
	s.wantMay(role)
	for _, n := range table {
		if err := n.try(s, s.administrator()); accessDenied(err) != n.everybody {
			t.Errorf("%s: the administrator: %v, want it denied: %t; else the row shows nothing of the role", n.what, err, n.everybody)
		}
	}
}

// wantMay checks that the credentials are good and not denied everything.
func (s scene) wantMay(role identity) {
	s.t.Helper()
	client := s3.NewFromConfig(role.in(here))
	put := &s3.PutObjectInput{
		Bucket: aws.String(s.bucket(here)), Key: aws.String("kept"), Body: strings.NewReader("x"), IfNoneMatch: aws.String("*"),
	}
	var api smithy.APIError
	if _, err := client.PutObject(s.t.Context(), put); !errors.As(err, &api) || api.ErrorCode() != "PreconditionFailed" {
		s.t.Errorf("conditional PutObject of a key that is there: %v, want PreconditionFailed", err)
	}
	if _, err := s3.NewFromConfig(role.in(there)).HeadObject(s.t.Context(), &s3.HeadObjectInput{
		Bucket: aws.String(s.bucket(there)), Key: aws.String("kept"), VersionId: aws.String(s.versions[there]),
	}); err != nil {
		s.t.Errorf("read a source's version: %v", err)
	}
}

// The one thing that the role may and the function never does: write a key of
// its own bucket that is there. IAM has no action for conditional writes alone.
// The bucket's versions keep what was overwritten, which nothing the role may
// do can remove.
func TestTheRoleMayOverwriteInItsOwnBucketAlone(t *testing.T) {
	t.Parallel()
	s := newScene(withOutside(t, threeRegions(t)))
	set := defaultSet()
	for _, region := range s.regions {
		before := s.world.versions(region, "kept")
		role := s.mustAssume(set.Member(s.state.AccountID, region).RoleARN(), set.OperatorSession())
		for _, target := range s.regions {
			_, err := s3.NewFromConfig(role.in(target)).PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: aws.String(s.bucket(target)), Key: aws.String("kept"), Body: strings.NewReader("overwritten"),
			})
			switch {
			case target == region && err != nil:
				t.Errorf("the role of %s in its own bucket: %v", region, err)
			case target != region && !accessDenied(err):
				t.Errorf("the role of %s in %s: %v, want it denied", region, target, err)
			}
		}
		if n := s.world.versions(region, "kept"); n != before+1 {
			t.Errorf("%s: %d versions of the key, want the %d that were there and the new one", region, n, before)
		}
	}
}

// Sessions of the role have one name that is not the function's, so that events
// and logs tell them from it, and only those whom the account lets have one.
func TestSessionsOfTheRole(t *testing.T) {
	t.Parallel()
	w := withOutside(t, threeRegions(t))
	set := defaultSet()
	roleARN := set.Member(w.state.AccountID, here).RoleARN()
	role := w.mustAssume(roleARN, set.OperatorSession())
	stranger := w.mustAssume(strangerRole, "stranger")
	for _, c := range []struct {
		what    string
		by      identity
		session string
	}{
		{"by the administrator under another name", w.administrator(), "administrator"},
		{"by the administrator under the function's name", w.administrator(), set.FunctionName()},
		{"by the administrator under a name that begins so", w.administrator(), set.OperatorSession() + "-2"},
		{"by a role without sts:AssumeRole", stranger, set.OperatorSession()},
		{"by itself", role, set.OperatorSession()},
	} {
		if _, err := c.by.assume(t, roleARN, c.session); !accessDenied(err) {
			t.Errorf("a session %s: %v, want it denied", c.what, err)
		}
	}
	other := set.Member(w.state.AccountID, there).RoleARN()
	if _, err := role.assume(t, other, set.OperatorSession()); !accessDenied(err) {
		t.Errorf("a session of another Region's role: %v, want it denied", err)
	}
}
