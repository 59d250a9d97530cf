package console

import (
	"context"
	"html/template"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server is the console. It is safe for concurrent use.
type Server struct {
	o     Options
	guard *guard
	hub   *hub
	jobs  *jobs
	pages *template.Template // in which commands are as Options.Command calls them

	mu      sync.Mutex
	look    *Look     // the newest
	looked  time.Time // when it was found
	trends  []Trend
	queues  queues
	alarms  *alarmsView     // nil before they were asked for
	reports map[string]made // by month

	turn   *turn
	readAt map[string]int   // what the queues counted at the last reading that nobody asked for
	tabs   map[string]int   // pages that are connected; under mu
	news   map[string]*news // of the parts that browsers ask for

	compared comparison
}

// Serve answers on the listener, which must be on loopback, until ctx ends; then it
// interrupts the runs that go on and waits for them. started gets the URL to open.
// It returns nil after ctx has ended.
func Serve(ctx context.Context, l net.Listener, o Options, started func(url string)) error {
	if o.Interval == 0 {
		o.Interval = DefaultInterval
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Command == "" {
		o.Command = "s3fanout"
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s := &Server{
		o: o, guard: newGuard(port), hub: newHub(), reports: map[string]made{}, pages: called(o.Command),
		turn: newTurn(), tabs: map[string]int{}, news: map[string]*news{},
	}
	for _, name := range []string{"letters", "compared", "ended"} {
		s.news[name] = &news{send: func(version string) { s.hub.set(name, version) }}
	}
	s.jobs = newJobs(ctx, o.Now, func(kind string, j job) {
		s.hub.set("job-"+kind, s.fragment("job", jobView{Kind: kind, job: j, Now: o.Now()}))
	})
	server := &http.Server{
		Handler: s.guard.wrap(s.routes()), ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 1 << 16,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	var looks sync.WaitGroup
	looks.Go(func() { s.watch(ctx) })
	if o.Sandbox != nil {
		looks.Go(func() { s.follow(ctx) })
	}
	started("http://" + l.Addr().String() + "/?token=" + s.guard.token)
	closed := context.AfterFunc(ctx, func() { _ = server.Close() })
	err = server.Serve(l)
	ended := ctx.Err() != nil
	stop()
	closed()
	looks.Wait()
	s.jobs.wait.Wait()
	if ended {
		return nil
	}
	return err
}

// watch asks how the set stands, again and again while a browser is connected.
func (s *Server) watch(ctx context.Context) {
	for {
		if !s.hub.watched() {
			select {
			case <-ctx.Done():
				return
			case <-s.hub.joined:
			}
		}
		wait := s.o.Interval
		if s.lookOnce(ctx) {
			wait = min(wait, soon)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// lookTime bounds each part of a look. A Source has limits of its own, less than this.
const lookTime = time.Minute

// soon is the time to the next look when something may come soon.
const soon = 2 * time.Second

// lookOnce says whether some of what is missing may come soon.
func (s *Server) lookOnce(ctx context.Context) (pending bool) {
	look, err := within(ctx, s.o.Source.Status)
	if ctx.Err() != nil {
		return false
	}
	if err != nil {
		// What was known stays, with the time that it is of.
		s.mu.Lock()
		looked := s.looked
		s.mu.Unlock()
		s.hub.set("trouble", s.fragment("trouble", struct {
			Looked time.Time
			Why    string
		}{looked, err.Error()}))
		return false
	}
	s.hub.set("trouble", "")
	s.publish(func() { s.look, s.looked = &look, s.o.Now() })
	defer s.noticeQueues(ctx, look)
	trends, err := within(ctx, s.o.Source.Trends)
	if err != nil {
		trends = nil // not known
	}
	alarms, err := within(ctx, s.o.Source.Alarms)
	if ctx.Err() == nil {
		s.publish(func() { s.trends, s.alarms = trends, newAlarmsView(alarms, err) })
	}
	return look.Pending
}

func within[T any](ctx context.Context, ask func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	return ask(ctx)
}

// publish keeps what a look found, and sends what has changed by it.
func (s *Server) publish(keep func()) {
	s.mu.Lock()
	keep()
	o, looked, alarms, findings := s.overview(), s.looked, s.alarms, newFindings(s.look.Findings, mostRows)
	s.mu.Unlock()
	s.hub.set("overview", s.fragment("overview", o))
	s.hub.set("findings", s.fragment("findings", findings))
	s.hub.set("alarms", s.fragment("alarms", alarms))
	s.hub.set("clock", looked.UTC().Format("2006-01-02 15:04:05 UTC"))
}

// overview is made of what is known; the caller holds s.mu, and there was a look.
func (s *Server) overview() overview {
	return newOverview(glance{
		look: *s.look, trends: s.trends, alarms: s.alarms, letters: s.queues.byPair(s.o.Buckets), proofs: s.o.Proofs,
	})
}

// newest is what the last look found, nil before the first.
func (s *Server) newest() *overview {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.look == nil {
		return nil
	}
	o := s.overview()
	return &o
}
