package sandbox

import (
	"fmt"
	"io"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"github.com/aws/aws-sdk-go-v2/service/s3control/types"

	"s3fanout/internal/operator/redrive"
	"s3fanout/internal/sandbox/fault"
	"s3fanout/internal/sandbox/snapshot"
)

// failover is an access point over a replica set whose replicator is the real one.
type failover struct {
	*Sandbox
	t    *testing.T
	arn  string
	want map[string]string // what was written, by key
}

func startFailover(t *testing.T) *failover {
	t.Helper()
	program := filepath.Join(t.TempDir(), "replicator")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-o", program, "s3fanout/lambda")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the replicator: %v\n%s", err, out)
	}
	s, err := Start(t.Context(), Config{Assembly: snapshot.FS(), Function: program, Dir: t.TempDir(), RetryWait: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	// An event that fails becomes a dead letter at once, rather than after two more attempts.
	assembly := overAll(t, s)
	for _, file := range assembly {
		file.Data = regexp.MustCompile(`"MaximumRetryAttempts": ?2`).ReplaceAll(file.Data, []byte(`"MaximumRetryAttempts":0`))
	}
	if _, err := s.Update(t.Context(), assembly); err != nil {
		t.Fatal(err)
	}
	return &failover{Sandbox: s, t: t, arn: s.points.Points()[0].ARN, want: map[string]string{}}
}

// put writes an object by the access point from a Region; what is written has to
// be there in the end.
func (f *failover) put(region, key string) error {
	body := key + " from " + region
	_, err := f.from(f.t, region, f.config(region)).PutObject(f.t.Context(), &s3.PutObjectInput{
		Bucket: &f.arn, Key: &key, Body: strings.NewReader(body), IfNoneMatch: aws.String("*")})
	if err == nil {
		f.want[key] = body
	}
	return err
}

// get reads an object by the access point from a Region and compares it with what was written.
func (f *failover) get(region, key string) error {
	out, err := f.from(f.t, region, f.config(region)).GetObject(f.t.Context(), &s3.GetObjectInput{Bucket: &f.arn, Key: &key})
	if err != nil {
		return err
	}
	body, err := io.ReadAll(out.Body)
	_ = out.Body.Close()
	if err == nil && string(body) != f.want[key] {
		return fmt.Errorf("%q, want %q", body, f.want[key])
	}
	return err
}

// dial makes a Region active or passive, by S3 Control in another one.
func (f *failover) dial(control, region string, percentage int32) error {
	change := &s3control.SubmitMultiRegionAccessPointRoutesInput{
		AccountId: aws.String(AccountID), Mrap: &f.arn,
		RouteUpdates: []types.MultiRegionAccessPointRoute{{Region: &region, TrafficDialPercentage: &percentage}},
	}
	_, err := controlOf(f.config(control)).SubmitMultiRegionAccessPointRoutes(f.t.Context(), change)
	return err
}

func (f *failover) must(what string, err error) {
	f.t.Helper()
	if err != nil {
		f.t.Errorf("%s: %v", what, err)
	}
}

// S3 is cut off in a Region. Once its route is shifted away, its clients read and
// write by the access point as before, and when the Region is back every Region
// has everything that was accepted at any time.
func TestFailoverByRoutes(t *testing.T) {
	t.Parallel() // it waits for most of its time
	f := startFailover(t)
	const lost, control = "us-east-1", "eu-west-1"
	f.must("write before", f.put(lost, "before"))
	f.must("settle before", f.Settled(t.Context()))
	f.must("write at the last moment", f.put(lost, "just before")) // may not have been copied when the Region goes
	if err := f.SetFault(fault.Fault{Region: lost, Kind: fault.S3Unavailable, Rate: 1}); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"read": f.get(lost, "before"), "write": f.put(lost, "refused"), "shift in the Region itself": f.dial(lost, lost, 0),
	} {
		if code(err) != "ServiceUnavailable" {
			t.Errorf("%s with the Region cut off: %v, want ServiceUnavailable", what, err)
		}
	}

	f.must("shift away", f.dial(control, lost, 0))
	for _, region := range f.regions {
		key := "during, " + region
		f.must("read in "+region, f.get(region, "before"))
		f.must("write in "+region, f.put(region, key))
		f.must("read one's own write in "+region, f.get(region, key))
	}
	f.must("settle meanwhile", f.Settled(t.Context()))
	f.must("read in "+lost+" what another Region wrote", f.get(lost, "during, ap-northeast-1"))

	if err := f.SetFault(fault.Fault{Region: lost, Kind: fault.S3Unavailable, Rate: 0}); err != nil {
		t.Fatal(err)
	}
	// What the function could not copy meanwhile is in the dead-letter queues.
	config, err := snapshot.Config()
	if err != nil {
		t.Fatal(err)
	}
	clients := redrive.NewClients(f.config(control), config.Regions, 0)
	report, err := redrive.Run(t.Context(), redrive.Options{Config: config, Clients: clients}, redrive.Observer{})
	f.must("settle after the redrive", f.Settled(t.Context()))
	replayed := 0
	for _, r := range report.Regions {
		replayed += r.Replayed
	}
	if err != nil || report.Err() != nil || report.Left() != 0 || replayed == 0 {
		t.Errorf("redrive: %v, %v: %d replayed, %d left; want some and none", err, report.Err(), replayed, report.Left())
	}
	f.must("shift back", f.dial(control, lost, 100))
	f.must("write after", f.put(lost, "after"))
	f.must("settle after", f.Settled(t.Context()))
	if got := slices.Sorted(maps.Keys(f.want)); len(got) != len(f.regions)+3 {
		t.Errorf("accepted %q, want one during the outage in each Region and three more", got)
	}
	for key := range f.want {
		if got := f.where(t, key); !slices.Equal(got, f.regions) {
			t.Errorf("%q is in %v, want all Regions", key, got)
		}
		for _, region := range f.regions {
			f.must(fmt.Sprintf("%q in %s", key, region), f.get(region, key))
		}
	}
	if got := f.where(t, "refused"); len(got) != 0 {
		t.Errorf("what was refused is in %v", got)
	}
}
