package replicaset

import (
	"strings"
	"testing"
)

func TestValidateCopying(t *testing.T) {
	for _, tc := range []struct {
		what   string
		change func(*Config)
		want   string // the beginning of the message, "" for none
	}{
		{"nothing given", func(*Config) {}, ""},
		{"least threshold", func(c *Config) { c.MultipartThresholdMiB = 5 }, ""},
		{"greatest threshold", func(c *Config) { c.MultipartThresholdMiB = 5120 }, ""},
		{"threshold below a part", func(c *Config) { c.MultipartThresholdMiB = 4 }, "s3fanout.multipartThresholdMiB: 4 is less than 5"},
		{"negative threshold", func(c *Config) { c.MultipartThresholdMiB = -1 }, "s3fanout.multipartThresholdMiB: -1 is less than 5"},
		{"threshold above 5 GiB", func(c *Config) { c.MultipartThresholdMiB = 5121 },
			"s3fanout.multipartThresholdMiB: 5121 is more than 5120"},
		{"one part at once", func(c *Config) { c.MultipartParallel = 1 }, ""},
		{"most parts at once", func(c *Config) { c.MultipartParallel = 256 }, ""},
		{"too many parts at once", func(c *Config) { c.MultipartParallel = 257 },
			"s3fanout.multipartParallel: 257 is not possible; use 1 to 256"},
		{"negative parts at once", func(c *Config) { c.MultipartParallel = -1 }, "s3fanout.multipartParallel: -1 is not possible"},
		{"class", func(c *Config) { c.ReplicaStorageClass = "GLACIER_IR" }, ""},
		{"class of the source", func(c *Config) { c.ReplicaStorageClass = SourceStorageClass }, ""},
		{"class in lower case", func(c *Config) { c.ReplicaStorageClass = "standard_ia" },
			`s3fanout.replicaStorageClass: "standard_ia" is not a storage class; use STANDARD,`},
		{"class of directory buckets", func(c *Config) { c.ReplicaStorageClass = "EXPRESS_ONEZONE" },
			`s3fanout.replicaStorageClass: "EXPRESS_ONEZONE"`},
	} {
		t.Run(tc.what, func(t *testing.T) {
			c := media()
			tc.change(&c)
			err := c.Validate()
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("got %q, want no error", err)
			case tc.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tc.want) || strings.Contains(err.Error(), "\n")):
				t.Errorf("got  %v\nwant %q… on one line", err, tc.want)
			}
		})
	}
	if got := (Config{MultipartThresholdMiB: 5120}).MultipartThreshold(); got != 5<<30 {
		t.Errorf("5120 MiB are %d bytes, want %d", got, int64(5<<30))
	}
}
