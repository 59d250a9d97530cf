package store

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The check values of https://reveng.sourceforge.io/crc-catalogue/all.htm, and
// digests of "123456789".
func TestChecksums(t *testing.T) {
	for a, want := range map[Algorithm]string{
		CRC32:     "y/Q5Jg==",
		CRC32C:    "4waSgw==",
		CRC64NVME: "rosUhgp5mIg=",
		MD5:       "JfnnlDI7RTiF9RgfG2JNCw==",
		SHA1:      "98O8HYCOBHMq32eZZczDTKeuNEE=",
		SHA512:    "2eZ2LdHI6vbWGzxhkvxAjU1tXxF20MKRabwk5xw/J0rSf81YEbMT1oH35V7ALXPUmclUVba1u1A6z1dPuo/+hQ==",
		SHA256:    "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
	} {
		if got := sumOf(a, "123456789"); got != want {
			t.Errorf("%s is %s, want %s", a, got, want)
		}
	}
	if _, err := newHashes("CRC7"); err == nil {
		t.Error("an unknown algorithm was taken")
	}
}

func TestCombinedCRCIsThatOfAllBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SampledFrom([]Algorithm{CRC32, CRC32C, CRC64NVME}).Draw(t, "algorithm")
		pieces := rapid.SliceOfN(rapid.String(), 1, 10).Draw(t, "pieces")
		var parts []sizedSum
		for _, p := range pieces {
			parts = append(parts, sizedSum{int64(len(p)), sumOf(a, p)})
		}
		got, err := combine(a, FullObject, parts)
		if want := sumOf(a, strings.Join(pieces, "")); err != nil || got.Value != want {
			t.Fatalf("%s of %q is %s (%v), want %s", a, pieces, got.Value, err, want)
		}
	})
	if _, err := combine(SHA256, FullObject, []sizedSum{{0, sumOf(SHA256, "")}}); err == nil {
		t.Error("the SHA-256 of an object was made of those of its parts")
	}
}
