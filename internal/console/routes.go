package console

import (
	"embed"
	"io/fs"
	"net/http"
)

//go:embed static
var static embed.FS

// route is a kind of request that the console answers.
type route struct {
	pattern string // as http.ServeMux takes it
	handle  http.HandlerFunc
	// changes says that it changes a bucket, a queue or the sandbox, and is refused
	// without Options.Write.
	changes bool
}

// table has all that is answered, besides files; with a sandbox also what is about it.
func (s *Server) table(sandbox bool) []route {
	list := []route{
		{"GET /live", s.live, false},
		{"GET /{$}", s.showOverview, false},
		{"GET /pairs", s.showPairs, false},
		{"GET /key", s.showKey, false},
		{"GET /key/names", s.completeKey, false},
		{"GET /key/part", s.keyPart, false},
		{"GET /letters", s.showLetters, false},
		{"GET /letters/part", s.lettersPart, false},
		{"GET /letters/reasons", s.lettersReasons, false},
		{"POST /letters/read", s.readLetters, false},
		{"POST /letters/replay", s.startReplay, true},
		{"GET /compare", s.showComparison, false},
		{"GET /compare/part", s.comparisonPart, false},
		{"POST /compare/verify", s.startVerify, false},
		{"POST /compare/plan", s.startPlan, false},
		{"POST /compare/backfill", s.startBackfill, true},
		{"GET /health", s.showHealth, false},
		{"GET /report", s.showReport, false},
		{"POST /stop/{kind}", s.stopJob, false},
	}
	if sandbox {
		list = append(
			list,
			route{"GET /sandbox", s.showSandbox, false},
			route{"POST /sandbox/upload", s.upload, true},
			route{"POST /sandbox/fault", s.switchFault, true},
			route{"POST /sandbox/reset", s.resetSandbox, true},
			route{"POST /sandbox/stop", s.stopSandbox, true},
		)
	}
	return list
}

// Routes are the patterns of all requests that a console without a sandbox answers, for
// proofs that hold for every one of them.
func Routes() []string {
	var list []string
	for _, r := range (&Server{}).table(false) {
		list = append(list, r.pattern)
	}
	return list
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the folder is embedded
	}
	mux.Handle("GET /static/", http.StripPrefix("/static/", http.FileServerFS(files)))
	for _, r := range s.table(s.o.Sandbox != nil) {
		if r.changes && !s.o.Write {
			r.handle = readOnly
		}
		mux.HandleFunc(r.pattern, r.handle)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if nowhere(mux, r) {
			s.show(w, http.StatusNotFound, "nowhere", "Not found", nil)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// nowhere reports whether nothing answers at the request's path, however it is asked. A
// path with another method stays the multiplexer's to refuse.
func nowhere(mux *http.ServeMux, r *http.Request) bool {
	for _, method := range []string{r.Method, http.MethodGet, http.MethodPost} {
		asked := *r
		asked.Method = method
		if _, pattern := mux.Handler(&asked); pattern != "" {
			return false
		}
	}
	return true
}

func readOnly(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "This console changes nothing; start it with --write for that.", http.StatusForbidden)
}
