package store

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// The CRC of two texts, one after the other, follows from theirs and the
// length of the second: it is crc1·x^(8·length2) + crc2, as polynomials over
// GF(2) modulo the CRC's own, with the highest power in the lowest bit
// (https://stackoverflow.com/a/23126768 explains zlib's crc32_combine).
type crc struct {
	polynomial uint64
	bits       uint
}

func crcOf(a Algorithm) (crc, error) {
	switch a {
	case CRC32:
		return crc{crc32.IEEE, 32}, nil
	case CRC32C:
		return crc{crc32.Castagnoli, 32}, nil
	case CRC64NVME:
		return crc{crc64NVMEPolynomial, 64}, nil
	}
	return crc{}, fmt.Errorf("%w: there is no full-object %s of parts", ErrUnknownChecksum, a)
}

// times multiplies two polynomials.
func (c crc) times(a, b uint64) uint64 {
	product := uint64(0)
	for bit := uint64(1) << (c.bits - 1); bit != 0; bit >>= 1 {
		if a&bit != 0 {
			product ^= b
		}
		carry := b & 1
		b >>= 1
		if carry != 0 {
			b ^= c.polynomial
		}
	}
	return product
}

// power is x to the 8·bytes.
func (c crc) power(bytes int64) uint64 {
	result := uint64(1) << (c.bits - 1) // x to the 0
	square := uint64(1) << (c.bits - 9) // x to the 8
	for ; bytes > 0; bytes >>= 1 {
		if bytes&1 != 0 {
			result = c.times(result, square)
		}
		square = c.times(square, square)
	}
	return result
}

func combineCRC(a Algorithm, parts []sizedSum) (string, error) {
	c, err := crcOf(a)
	if err != nil {
		return "", err
	}
	total, size, power := uint64(0), int64(-1), uint64(0) // nearly all parts have one size
	for _, p := range parts {
		raw, err := base64.StdEncoding.DecodeString(p.sum)
		if err != nil || len(raw) != int(c.bits/8) {
			return "", fmt.Errorf("%w: a part's checksum %q", ErrDamaged, p.sum)
		}
		sum := binary.BigEndian.Uint64(append(make([]byte, 8-len(raw), 8), raw...))
		if p.size != size {
			size, power = p.size, c.power(p.size)
		}
		total = c.times(power, total) ^ sum
	}
	raw := binary.BigEndian.AppendUint64(nil, total)
	return base64.StdEncoding.EncodeToString(raw[8-c.bits/8:]), nil
}
