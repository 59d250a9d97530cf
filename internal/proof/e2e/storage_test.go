package e2e

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3fanout/internal/function/functionenv"
)

// store uploads an object in a storage class.
func (w *world) store(region, key, body string, class s3types.StorageClass) {
	w.t.Helper()
	_, err := w.s3(region).PutObject(w.t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(w.bucket(region)), Key: &key, Body: strings.NewReader(body), StorageClass: class,
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// The storage class of replicas is configuration: STANDARD, a class, or the
// source's own, for both kinds of copy.
func TestStorageClassOfReplicas(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		configured string
		want       s3types.StorageClass // HEAD names no STANDARD
	}{
		{"", ""},
		{"GLACIER_IR", s3types.StorageClassGlacierIr},
		{"source", s3types.StorageClassStandardIa},
	} {
		t.Run("configured "+c.configured, func(t *testing.T) {
			w := start(t, inParts(t, 4, func(p map[string]any) {
				if c.configured != "" {
					p["Environment"].(map[string]any)["Variables"].(map[string]any)[functionenv.ReplicaStorageClass] = c.configured
				}
			}))
			home := w.regions[0]
			w.store(home, "small", "small", s3types.StorageClassStandardIa)
			w.store(home, "large", noise(threshold+1), s3types.StorageClassStandardIa)
			w.settle()
			for _, region := range w.regions[1:] {
				for _, key := range []string{"small", "large"} {
					if got := w.describe(region, key).StorageClass; got != c.want {
						t.Errorf("%s: %s has the storage class %q, want %q", region, key, got, c.want)
					}
				}
			}
		})
	}
}

// An archived object cannot be copied: the dead letter says what to do.
func TestArchivedSourceHasToBeRestored(t *testing.T) {
	t.Parallel()
	w := start(t, inParts(t, 4))
	home := w.regions[0]
	w.store(home, "small", "small", s3types.StorageClassGlacier)
	w.store(home, "large", noise(threshold+1), s3types.StorageClassDeepArchive)
	w.settle()
	for _, region := range w.regions[1:] {
		w.wantMissing(region, "small")
		w.wantMissing(region, "large")
		letters := w.letters(region)
		if len(letters) != 2 {
			t.Errorf("%s: %d dead letters, want one for each object", region, len(letters))
		}
		for _, letter := range letters {
			if !strings.Contains(letter, "permanent: ") || !strings.Contains(letter, "restore it first") {
				t.Errorf("%s: %s, want it to say that the object has to be restored first", region, letter)
			}
		}
		if n := w.unfinishedUploads(region); n != 0 {
			t.Errorf("%s: %d unfinished uploads", region, n)
		}
	}
}
