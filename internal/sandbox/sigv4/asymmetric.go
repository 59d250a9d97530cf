package sigv4

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"net/http"
	"regexp"
	"strings"
)

// asymmetric is the algorithm of Signature Version 4A: the credential scope names
// no Region, and a header says for which Regions the signature holds
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html).
const asymmetric = "AWS4-ECDSA-P256-SHA256"

// derSignature is an ECDSA signature on P-256 in DER, in hex.
var derSignature = regexp.MustCompile(`^(?:[0-9a-f]{2}){8,72}$`)

// publicKey derives the key by which signatures of credentials are verified. The
// private key is taken from the secret as NIST SP 800-108 says, with HMAC and a
// counter, and candidates that are too large are passed over as FIPS 186-4, B.4.2,
// says. AWS publishes the derivation by its SDKs and their vectors alone.
func publicKey(accessKeyID, secret string) *ecdsa.PublicKey {
	curve := elliptic.P256()
	most := new(big.Int).Sub(curve.Params().N, big.NewInt(2))
	for counter := byte(1); counter != 0; counter++ {
		d := new(big.Int).SetBytes(candidate(accessKeyID, secret, counter))
		if d.Cmp(most) >= 0 {
			continue
		}
		private := d.Add(d, big.NewInt(1)).FillBytes(make([]byte, sha256.Size))
		key, err := ecdsa.ParseRawPrivateKey(curve, private)
		if err != nil {
			return nil // it is between 1 and N-1
		}
		return &key.PublicKey
	}
	return nil // one candidate in four billion is passed over
}

// candidate is one block of the derivation. A block is as long as a key.
func candidate(accessKeyID, secret string, counter byte) []byte {
	var input bytes.Buffer
	number := func(n uint32) { input.Write(binary.BigEndian.AppendUint32(nil, n)) }
	number(1) // the first block
	input.WriteString(asymmetric)
	input.WriteByte(0)
	input.WriteString(accessKeyID)
	input.WriteByte(counter)
	number(8 * sha256.Size)
	h := hmac.New(sha256.New, []byte("AWS4A"+secret))
	h.Write(input.Bytes())
	return h.Sum(nil)
}

// verify says whether the signature is that of the canonical request.
func (a *authorization) verify(secret, canonical string) bool {
	if !a.asymmetric {
		return hmac.Equal([]byte(a.sign(secret, canonical)), []byte(a.signature))
	}
	signature, err := hex.DecodeString(a.signature)
	if err != nil {
		return false
	}
	key := publicKey(a.accessKeyID, secret)
	hash := sha256.Sum256([]byte(a.textToSign(canonical)))
	return key != nil && ecdsa.VerifyASN1(key, hash[:], signature)
}

// readRegionSet takes the Regions that an asymmetric signature holds for. To a
// signature of Version 4 they mean nothing: it holds for its scope's Region.
func (a *authorization) readRegionSet(value string) *Error {
	if !a.asymmetric {
		return nil
	}
	if strings.Trim(value, ", ") == "" {
		return a.malformed("A signature of Version 4A requires X-Amz-Region-Set.")
	}
	a.regionSet = value
	return nil
}

// noStreams refuses chunks with signatures of their own, which no SDK sends to S3
// over TLS.
func (a *authorization) noStreams(declared string) *Error {
	return a.fail(http.StatusNotImplemented, "NotImplemented",
		"The sandbox does not verify "+declared+"; send UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER or the payload's SHA-256.")
}
