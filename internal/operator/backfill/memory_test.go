package backfill

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/middleware"

	"s3fanout/internal/aws/requestbody"
	"s3fanout/internal/copier"
	"s3fanout/internal/policy"
	"s3fanout/internal/replicaset"
)

// aloneVariable tells the process that measures from the one that starts it.
const aloneVariable = "S3FANOUT_TEST_MEMORY_ALONE"

// A copy under way takes about 65 KiB: 32 of them the stack of the SDK's steps, which
// doubles where they go a little deeper, as it did once, and 26 what the request and its
// connection hold. The server, which is in the same process, has its share of the stacks.
// It is measured in a process of its own, as stacks of what ran before are taken up again.
func TestMemoryOfACopyUnderWay(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector takes a stack of its own")
	}
	if os.Getenv(aloneVariable) == "" {
		alone := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		alone.Env = append(os.Environ(), aloneVariable+"=1")
		out, err := alone.CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte("bytes of stack")) {
			t.Fatalf("%v\n%s", err, out)
		}
		t.Logf("%s", out)
		return
	}
	const copies, mostStack, mostHeap = 200, 54 << 10, 31 << 10
	s := newSlowCopies(t)
	l := slowLane(t, s.listener.Addr().String(), copies)
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var lanes sync.WaitGroup
	lanes.Go(func() { l.work(t.Context()) })
	for range copies {
		<-s.asked
	}
	for range copies { // the next of each, after an answer was read
		s.answer <- struct{}{}
		<-s.asked
	}
	runtime.GC()
	runtime.ReadMemStats(&during)
	stack, heap := (during.StackInuse-before.StackInuse)/copies, (during.HeapAlloc-before.HeapAlloc)/copies
	if stack > mostStack || heap > mostHeap {
		t.Errorf("a copy under way takes %d bytes of stack and %d of heap, want %d and %d at most", stack, heap, mostStack, mostHeap)
	}
	t.Logf("%d bytes of stack and %d of heap", stack, heap)
	close(s.answer)
	lanes.Wait()
}

// slowLane has twice as many objects to copy as it copies at once, with the command's
// clients, at a server.
func slowLane(t *testing.T, address string, copies int) *lane {
	t.Helper()
	set := replicaset.Config{Name: "films", Regions: []string{"us-east-1", "eu-west-1"}}
	members, err := Clients{
		Config: aws.Config{
			Region: "us-east-1", BaseEndpoint: aws.String("http://" + address),
			Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "token"),
			APIOptions:  []func(*middleware.Stack) error{requestbody.Keep},
		},
		Set: set, Account: "123456789012", Regions: set.Regions, To: set.Regions[1:], OwnCredentials: true, Concurrency: copies,
	}.NewMembers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Members: members, To: set.Regions[1:], RestoreDeleted: true}
	o.setDefaults()
	target := &target{run: &run{options: o, tally: newTally(o, Observer{})}, index: 1}
	l := newLane(target, t.Context(), 2*copies, newPace(copies, copies, time.Now()))
	for i := range 2 * copies {
		object := newObject(members[0], fmt.Sprintf("objects/%06d.bin", i), policy.Figures{})
		object.pinned = &copier.Object{
			Region: members[0].Region, Bucket: members[0].Bucket, Key: object.key, VersionID: "3HL4kqtJvjVBH40Nrjfkd", Size: 1, ETag: etag,
		}
		l.queue <- &goal{object: object, target: 1}
	}
	close(l.queue)
	return l
}

const etag = "9b2cf535f27731c974343645a3985328"

// slowCopies is a server that copies nothing: it says that it was asked to, and answers
// once it may, with little memory of its own.
type slowCopies struct {
	listener      net.Listener
	asked, answer chan struct{}
}

func newSlowCopies(t *testing.T) *slowCopies {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &slowCopies{listener: listener, asked: make(chan struct{}), answer: make(chan struct{})}
	var serving sync.WaitGroup
	serving.Go(func() {
		var open []net.Conn
		for {
			c, err := listener.Accept()
			if err != nil { // at the end, when net/http keeps connections that it may use again
				for _, c := range open {
					_ = c.Close()
				}
				return
			}
			open = append(open, c)
			serving.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	return s
}

func (s *slowCopies) serve(c net.Conn) {
	const body = `<?xml version="1.0" encoding="UTF-8"?>
<CopyObjectResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LastModified>2026-11-29T23:00:00.000Z</LastModified>` +
		`<ETag>&quot;` + etag + `&quot;</ETag><ChecksumCRC64NVME>AAAAAAAAAAA=</ChecksumCRC64NVME></CopyObjectResult>`
	for in := bufio.NewReaderSize(c, 16); ; {
		for length := -1; length != 0; { // of a line
			line, more, err := in.ReadLine()
			if err != nil {
				return
			}
			for length = len(line); more; {
				if _, more, err = in.ReadLine(); err != nil {
					return
				}
			}
		}
		s.asked <- struct{}{}
		<-s.answer
		head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: %d\r\n\r\n", len(body))
		if _, err := c.Write([]byte(head + body)); err != nil {
			return
		}
	}
}
