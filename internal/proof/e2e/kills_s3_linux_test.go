package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"golang.org/x/sync/errgroup"
)

// patient clients try again until they are answered.
func (m *mortal) patient() map[string]*s3.Client {
	clients := map[string]*s3.Client{}
	for _, region := range m.regions {
		clients[region] = s3.NewFromConfig(m.config(region), func(o *s3.Options) {
			o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
				r.MaxAttempts, r.MaxBackoff, r.RateLimiter = 0, 100*time.Millisecond, ratelimit.None
			})
		})
	}
	return clients
}

// insist repeats a request until S3 says that it is done, or why not.
func (m *mortal) insist(request func() error) error {
	for {
		err := request()
		var refused smithy.APIError
		if err == nil || errors.As(err, &refused) || m.t.Context().Err() != nil {
			return err
		}
		m.alive()
	}
}

// uploadInParts uploads what S3 must not lose once it has told its id. A
// completion that is unknown when it is asked for again has been done.
func (m *mortal) uploadInParts(b *book, client *s3.Client, region, key string, size int) error {
	id := b.begin(attempt{region: region, key: key, size: size})
	body, bucket, ctx := padded(id, size), aws.String(m.bucket(region)), m.t.Context()
	var created *s3.CreateMultipartUploadOutput
	err := m.insist(func() (err error) {
		created, err = client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
			Bucket: bucket, Key: &key, Metadata: dress(id), Tagging: aws.String("user=book"),
			ChecksumAlgorithm: s3types.ChecksumAlgorithmCrc64nvme, ChecksumType: s3types.ChecksumTypeFullObject,
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("begin an upload of %s: %w", key, err)
	}
	var parts []s3types.CompletedPart
	for part := range slices.Chunk([]byte(body), threshold) {
		number := aws.Int32(int32(len(parts) + 1))
		err := m.insist(func() error {
			out, err := client.UploadPart(ctx, &s3.UploadPartInput{
				Bucket: bucket, Key: &key, UploadId: created.UploadId, PartNumber: number, Body: bytes.NewReader(part),
				ChecksumAlgorithm: s3types.ChecksumAlgorithmCrc64nvme,
			})
			if err == nil {
				parts = append(parts, s3types.CompletedPart{PartNumber: number, ETag: out.ETag, ChecksumCRC64NVME: out.ChecksumCRC64NVME})
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("upload a part of %s: %w", key, err)
		}
	}
	err = m.insist(func() error {
		_, err := client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
			Bucket: bucket, Key: &key, UploadId: created.UploadId, MultipartUpload: &s3types.CompletedMultipartUpload{Parts: parts},
		})
		return err
	})
	var done smithy.APIError
	if complete := errors.As(err, &done) && done.ErrorCode() == "NoSuchUpload"; err != nil && !complete {
		return fmt.Errorf("complete the upload of %s: %w", key, err)
	}
	b.answer(id)
	return nil
}

// users upload until it is over, and then so many times more each.
func (m *mortal) users(b *book, seed uint64, round, users, more int, over func() bool) error {
	var group errgroup.Group
	patient := m.patient()
	for user := range users {
		random := rand.New(rand.NewPCG(seed, uint64(user)))
		group.Go(func() error {
			for i, after := 0, 0; after < more && m.t.Context().Err() == nil; i++ {
				if over() {
					after++
				}
				region := m.regions[random.IntN(len(m.regions))]
				key, size := fmt.Sprintf("own/%d/%d-%04d", round, user, i), 0
				if random.IntN(16) == 0 {
					size = threshold + random.IntN(2*mib)
				}
				m.begins()
				switch random.IntN(6) {
				case 0: // others write it, too
					b.upload(region, fmt.Sprintf("contested/%d/%d", round, random.IntN(users)), size)
				case 1:
					if err := m.uploadInParts(b, patient[region], region, key, size); err != nil {
						return err
					}
				case 2:
					b.put(patient[region], attempt{region: region, key: key, size: size, repeated: true})
				default:
					b.upload(region, key, size)
				}
				m.alive()
			}
			return m.t.Context().Err()
		})
	}
	return group.Wait()
}

// verified is what verify finds below a prefix: what Regions lack, and which
// keys differ.
func (m *mortal) verified(prefix string) (missing map[upload]bool, different []string) {
	m.t.Helper()
	code, stdout, stderr := m.command("verify", "--prefix", prefix, "--grace", "0s", "--allow-empty", "--output", "json")
	missing = map[upload]bool{}
	d := json.NewDecoder(bytes.NewReader(stdout))
	for d.More() {
		var line struct {
			Kind, Key string
			Without   []string
		}
		if err := d.Decode(&line); err != nil {
			m.t.Fatalf("%v: %s", err, stdout)
		}
		for _, region := range line.Without {
			missing[upload{region, line.Key}] = true
		}
		if line.Kind == "different" {
			different = append(different, line.Key)
		}
	}
	want := 0
	if len(missing) > 0 || len(different) > 0 {
		want = 3
	}
	if code != want {
		m.t.Errorf("verify: exit %d, want %d\n%s%s", code, want, stdout, stderr)
	}
	return missing, different
}

// wantVerified checks that verify finds what the Regions lack, and no more. Keys
// that several wrote can differ, as they do where the first write wins.
func (m *mortal) wantVerified(lacks map[upload]string, prefixes ...string) {
	m.t.Helper()
	for _, prefix := range prefixes {
		missing, different := m.verified(prefix)
		want := map[upload]bool{}
		for u := range lacks {
			if strings.HasPrefix(u.key, prefix) {
				want[u] = true
			}
		}
		if !maps.Equal(missing, want) {
			m.t.Errorf("verify %s: missing %v, want %v", prefix, missing, want)
		}
		if strings.HasPrefix(prefix, "own/") && len(different) > 0 {
			m.t.Errorf("verify: %v differ", different)
		}
	}
}

// S3 itself is killed, and with it topics, queues and functions: all that was
// answered is there, whole; what is missing elsewhere, for its event is lost,
// verify names and backfill brings.
func TestNothingIsLostWhenS3IsKilled(t *testing.T) {
	t.Parallel()
	outlive(t, 1, 6, 2, 4)
}

func TestNothingIsLostInManyStormsThatKillS3(t *testing.T) {
	onlyWith(t, "S3FANOUT_E2E_LARGE", "test-large")
	outlive(t, 4, 8, 10, 12)
}

func outlive(t *testing.T, rounds, users, more, kills int) {
	m := newMortal(t, killSeed(t))
	config := filepath.Join(t.TempDir(), "cdk.json")
	copyInParts(t, config)
	b := newBook(m.world)
	b.dressed = true
	began, brought := time.Now(), 0
	// A few kills may all fall between events: then there are more.
	for round := 0; round < rounds || brought == 0 && round < rounds+3; round++ {
		over, ended := make(chan struct{}), make(chan struct{})
		seed := m.random.Uint64() // what kills is random meanwhile
		var group errgroup.Group
		group.Go(func() error {
			defer close(ended)
			return m.users(b, seed, round, users, more, func() bool {
				select {
				case <-over:
					return true
				default:
					return t.Failed()
				}
			})
		})
		for range kills {
			m.die(ended)
		}
		close(over)
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
		m.rest()
		prefixes := []string{fmt.Sprintf("own/%d/", round), fmt.Sprintf("contested/%d/", round)}
		lacks := b.missing(prefixes...)
		m.wantVerified(lacks, prefixes...)
		open := b.unfinished()
		b.abandon(open)
		if code, out := m.backfill("--config", config); code != 0 {
			t.Errorf("backfill: exit %d, want 0\n%s", code, out)
		}
		m.rest()
		if round >= rounds-1 {
			prefixes = []string{"own/", "contested/"} // what was brought in earlier rounds, too
		}
		for u, home := range b.missing(prefixes...) {
			t.Errorf("%s: %s of %s is missing still", u.region, u.key, home)
		}
		m.wantVerified(nil, prefixes...)
		for id, u := range b.unfinished() {
			if _, before := open[id]; !before {
				t.Errorf("%s: backfill left an unfinished upload of %s", u.region, u.key)
			}
		}
		for region, r := range m.stats().Regions {
			if r.DeadLetters != 0 || r.Lambda.Lost != 0 || r.SNS.Lost != 0 || r.SNS.Undeliverable != 0 {
				t.Errorf("%s: since it lives, %d dead letters, %d events and %d messages lost, %d undeliverable, want none",
					region, r.DeadLetters, r.Lambda.Lost, r.SNS.Lost, r.SNS.Undeliverable)
			}
		}
		brought += len(lacks)
		t.Logf("round %d: %d lives, %d uploads so far, %d of them not answered, %d replicas missing, %d unfinished uploads, %v",
			round, m.lives, len(b.attempts), b.unanswered(), len(lacks), len(open), time.Since(began).Round(time.Second))
		if t.Failed() {
			t.FailNow()
		}
	}
	if brought == 0 {
		t.Error("no event was lost: the kills came to nothing")
	}
}
