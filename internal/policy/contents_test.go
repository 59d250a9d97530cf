package policy

import "testing"

func TestCompare(t *testing.T) {
	plain := func(etag string, checksums ...Checksum) Figures {
		return Figures{Size: 10, ETag: etag, Checksums: checksums}
	}
	parts := func(etag string, checksums ...Checksum) Figures { return plain(etag+"-3", checksums...) }
	kms := func(f Figures) Figures { f.Opaque = true; return f }
	full := func(algorithm, value string) Checksum { return Checksum{algorithm, FullObject, value} }
	composite := func(algorithm, value string) Checksum { return Checksum{algorithm, Composite, value} }
	longer := plain("a")
	longer.Size++
	for _, tc := range []struct {
		what string
		a, b Figures
		want Result
		why  string
	}{
		{"equal ETags", plain("a"), plain("a"), Same, ""},
		{"other ETags", plain("a"), plain("b"), Differ, "etag"},
		{"other ETags under keys of KMS", kms(plain("a")), plain("b"), SameSize, ""},
		{"other sizes", plain("a"), longer, Differ, "size"},
		{"other sizes under keys of KMS", kms(plain("a")), kms(longer), Differ, "size"},
		{"parts of one kind", parts("a"), parts("a"), Same, ""},
		{"parts of other kinds", parts("a"), parts("b"), SameSize, ""},
		{"in parts and whole", parts("a"), plain("a"), SameSize, ""},
		{"no ETags", Figures{}, Figures{}, SameSize, ""},
		{"an equal ETag counts more than checksums", plain("a", full("CRC32", "x")), plain("a", full("CRC32", "y")), Same, ""},
		{"checksums equal", parts("a", full("CRC64NVME", "x")), parts("b", full("CRC64NVME", "x")), Same, ""},
		{"checksums differ", parts("a", full("CRC64NVME", "x")), parts("b", full("CRC64NVME", "y")), Differ, "checksum"},
		{"checksums of parts equal", parts("a", composite("SHA256", "x-3")), parts("b", composite("SHA256", "x-3")), Same, ""},
		{"checksums of other parts", parts("a", composite("SHA256", "x-3")), parts("b", composite("SHA256", "y-4")), SameSize, ""},
		{"checksums of other types", parts("a", composite("CRC32", "x-3")), parts("b", full("CRC32", "y")), SameSize, ""},
		{"other algorithms", parts("a", full("CRC32", "x")), parts("b", full("CRC64NVME", "y")), SameSize, ""},
		{"one of two differs", parts("a", composite("SHA256", "x-3"), full("CRC32", "x")),
			parts("b", composite("SHA256", "x-3"), full("CRC32", "y")), Differ, "checksum"},
	} {
		for _, pair := range [][2]Figures{{tc.a, tc.b}, {tc.b, tc.a}} {
			if got, why := Compare(pair[0], pair[1]); got != tc.want || why != tc.why {
				t.Errorf("%s: got %d %q, want %d %q", tc.what, got, why, tc.want, tc.why)
			}
		}
	}
}
