package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	testscript.Main(leakless{m}, map[string]func(){"s3fanout": main})
}

// leakless are tests of which none leaves a goroutine behind.
type leakless struct{ m *testing.M }

func (l leakless) Run() int {
	// The long tests wait for most of their time. A flag on the command line
	// still decides.
	if err := flag.Set("test.parallel", strconv.Itoa(3*runtime.GOMAXPROCS(0))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := withBuildDir(l.m.Run)
	if code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, "the tests left something behind:", err)
		return 1
	}
	return 0
}

// TestScripts runs the real main against a local server that stands for AWS.
// In the scripts:
//
//	letter REGION FILE     puts a letter into the Region's queue
//	aws no-queue REGION    takes the Region's queue away
//	aws broken REGION      makes the Region's function fail
//	aws hang               makes all functions hang
//	aws deny OPERATION     refuses an operation of SQS
//	invoked REGION         waits until the Region's function is invoked
//	visible REGION N       fails unless N letters can be received
//	await FILE             waits until the file is there
//	credentials FILE       makes the sandbox of the state file the one that is spoken to
//	upload REGION KEY BODY puts an object into the Region's bucket of that sandbox
//	remove REGION KEY      deletes it, leaving a delete marker
//	object REGION KEY BODY fails unless the object is there; with ! unless it is not
//	empty REGION           fails unless the Region's bucket has no version and no upload
//	upload-quoted …        is upload with a key as Go quotes it
//	begin-upload …         is upload of a first part that is left unfinished
//	deadletters REGION N M waits until N letters of that sandbox's queue can be received and M are held
//	lose REGION KEY        deletes all its versions, so that nothing tells that it was there
//	tag REGION KEY [NAME VALUE]  sets an object's tags there
//	says FILE TEXT         waits until the file has the text
//	settle                 waits until nothing is under way in that sandbox
//	front-page             fails unless the last output has what README shows of it
//	mark, calls, await-calls, invocations: see script_backfill_test.go
//	$FUNCTION              the function, built for this machine
//	$BUSY                  an address that is in use
//	$METADATA              a metadata service that refuses everything
func TestScripts(t *testing.T) {
	t.Parallel()
	function := programs(t).function
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = busy.Close() }) // the scripts go on when this function has returned
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no", http.StatusForbidden)
	}))
	t.Cleanup(metadata.Close)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			f := &fakeAWS{
				queues: map[string][]fakeLetter{"us-east-1": {}, "eu-west-1": {}}, broken: map[string]bool{},
				invoked: make(chan string, 100),
			}
			server := httptest.NewServer(f)
			env.Defer(func() {
				server.CloseClientConnections()
				server.Close()
			})
			env.Values["aws"] = f
			env.Setenv("FUNCTION", function)
			env.Setenv("BUSY", busy.Addr().String())
			env.Setenv("METADATA", metadata.URL)
			// A program under the race detector otherwise sleeps for a second before it ends.
			env.Setenv("GORACE", "atexit_sleep_ms=10")
			env.Setenv("AWS_ENDPOINT_URL", server.URL)
			env.Setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
			env.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
			env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			env.Setenv("AWS_CONFIG_FILE", env.WorkDir+"/no-config")
			env.Setenv("AWS_SHARED_CREDENTIALS_FILE", env.WorkDir+"/no-credentials")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"letter":  putLetter,
			"aws":     changeAWS,
			"invoked": awaitInvocation,
			"visible": checkVisible,
			"await":   awaitFile,

			"credentials": useSandbox,
			"upload":      putObject,
			"remove":      removeObject,
			"destroy":     destroyObject,
			"old-object":  oldObject,
			"object":      checkObject,
			"empty":       checkEmpty,
			"tag":         tagObject,
			"lose":        loseObject,
			"settle":      awaitRest,

			"mark":          markStats,
			"calls":         checkCalls,
			"await-calls":   awaitCalls,
			"invocations":   checkInvocations,
			"upload-quoted": putQuoted,
			"begin-upload":  beginUpload,
			"deadletters":   awaitDeadLetters,
			"says":          awaitText,
			"front-page":    checkTranscript,
		},
	})
}

func fake(ts *testscript.TestScript) *fakeAWS { return ts.Value("aws").(*fakeAWS) }

func putLetter(ts *testscript.TestScript, _ bool, args []string) {
	f, body := fake(ts), ts.ReadFile(args[1])
	f.mu.Lock()
	defer f.mu.Unlock()
	id := fmt.Sprintf("%s-%d", args[0], f.sent)
	f.sent++
	f.queues[args[0]] = append(f.queues[args[0]], fakeLetter{id: id, body: body})
}

func changeAWS(ts *testscript.TestScript, _ bool, args []string) {
	f := fake(ts)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch args[0] {
	case "no-queue":
		delete(f.queues, args[1])
	case "broken":
		f.broken[args[1]] = true
	case "hang":
		f.hangs = true
	case "deny":
		f.denied = args[1]
	default:
		ts.Fatalf("aws: unknown change %s", args[0])
	}
}

func awaitInvocation(ts *testscript.TestScript, _ bool, args []string) {
	select {
	case region := <-fake(ts).invoked:
		if region != args[0] {
			ts.Fatalf("the function of %s was invoked, want %s", region, args[0])
		}
	case <-time.After(30 * time.Second):
		ts.Fatalf("no function was invoked")
	}
}

func checkVisible(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	if got := fake(ts).visible(args[0]); got != want {
		ts.Fatalf("visible letters of %s: got %d, want %d", args[0], got, want)
	}
}
