package s3

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"

	"s3fanout/internal/sandbox/s3/smalldisk"
)

func TestFullDiskIsSaid(t *testing.T) { smalldisk.Run(t, "TestInsideFullDisk") }

// bad input: sb-11
func TestInsideFullDisk(t *testing.T) {
	dir := smalldisk.Mount(t, 2)
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, func(c *Config) { c.Dir = filepath.Join(dir, "s3") })
	body := strings.Repeat("x", 100<<10)
	var err error
	for n := 0; err == nil && n < 100; n++ {
		_, err = w.client(here).PutObject(t.Context(), &sdk.PutObjectInput{
			Bucket: aws.String(hereBucket), Key: aws.String(fmt.Sprint("k", n)), Body: strings.NewReader(body),
		})
	}
	wantCode(t, err, 500, "InternalError")
	if err == nil || !strings.Contains(err.Error(), "free some and try again; nothing that was stored has changed") {
		t.Errorf("the error does not say what to do: %v", err)
	}
	if got := w.get(t, here, hereBucket, "k0"); got != body {
		t.Error("what was stored has changed")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	w.put(t, here, hereBucket, "k0", "again")
}
