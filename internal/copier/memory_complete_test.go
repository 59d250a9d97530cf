package copier

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"hash/crc32"
	"net/http"
	"strconv"
)

// complete makes an object of an upload's parts, as S3 does: condition, part
// numbers in order, ETags, least sizes, the total and the checksum.
func (m *memory) complete(r *http.Request, id string, u *openUpload, body string) reply {
	var in struct {
		Part []struct {
			PartNumber int
			ETag       string
		}
	}
	if err := xml.Unmarshal([]byte(body), &in); err != nil || len(in.Part) == 0 {
		return refused(400, "MalformedXML", "no parts")
	}
	if r.Header.Get("If-None-Match") == "*" && m.objects[u.key] != nil {
		return refused(412, "PreconditionFailed", "If-None-Match")
	}
	var whole bytes.Buffer
	for i, part := range in.Part {
		data, ok := u.parts[part.PartNumber]
		switch {
		case i > 0 && part.PartNumber <= in.Part[i-1].PartNumber:
			return refused(400, "InvalidPartOrder", "x")
		case !ok || part.ETag != etagOf(data):
			return refused(400, "InvalidPart", "x")
		case i < len(in.Part)-1 && int64(len(data)) < m.minPart:
			return refused(400, "EntityTooSmall", "x")
		}
		whole.Write(data)
	}
	if size := r.Header.Get("X-Amz-Mp-Object-Size"); size != strconv.Itoa(whole.Len()) {
		if size == "" {
			m.bad = append(m.bad, "completed without x-amz-mp-object-size")
		}
		return refused(400, "InvalidRequest", "the size is not "+size)
	}
	header := u.header.Clone()
	header.Del("X-Amz-Checksum-Algorithm")
	algorithm := u.header.Get("X-Amz-Checksum-Algorithm")
	name := "X-Amz-Checksum-" + algorithm
	made := crcOf(algorithm, whole.Bytes())
	if want := r.Header.Get(name); want != "" && want != made {
		return refused(400, "BadDigest", "The "+algorithm+" you specified did not match the calculated checksum.")
	}
	header.Set(name, made)
	m.objects[u.key] = &stored{body: whole.Bytes(), header: header, tags: u.tags, version: "replica-v1"}
	delete(m.uploads, id)
	return reply{status: 200, header: map[string]string{"x-amz-version-id": "replica-v1"},
		body: "<CompleteMultipartUploadResult><ETag>" + xmlText(etagOf(whole.Bytes())) + "</ETag></CompleteMultipartUploadResult>"}
}

// crcOf is a whole object's checksum as S3 writes it.
func crcOf(algorithm string, body []byte) string {
	var sum uint32
	switch algorithm {
	case "CRC64NVME":
		return crc64nvme(body)
	case "CRC32C":
		sum = crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli))
	case "CRC32":
		sum = crc32.ChecksumIEEE(body)
	}
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}
