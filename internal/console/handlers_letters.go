package console

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"

	"s3fanout/internal/operator/document"
	"s3fanout/internal/operator/redrive"
)

// lettersPage is the page about dead letters, of which a part changes.
type lettersPage struct {
	lettersView

	Jobs []jobView
}

func (s *Server) letters(r *http.Request) lettersView {
	version, c := s.news["letters"].now(), choice(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.queues.view(c)
	v.Version = version
	return v
}

// showLetters says of a run that it has ended only beside the list that it left.
func (s *Server) showLetters(w http.ResponseWriter, r *http.Request) {
	s.show(w, http.StatusOK, "letters", "Dead letters", lettersPage{Jobs: s.running("letters", "replay"), lettersView: s.letters(r)})
}

func (s *Server) lettersPart(w http.ResponseWriter, r *http.Request) {
	s.showPart(w, "letters-part", s.letters(r))
}

func (s *Server) lettersReasons(w http.ResponseWriter, r *http.Request) {
	s.showPart(w, "letters-reasons", s.letters(r))
}

func (s *Server) readLetters(w http.ResponseWriter, r *http.Request) {
	ok := s.jobs.start("letters", "Read the dead-letter queues", func(ctx context.Context, tell progress) (string, error) {
		end, err := s.takeTurn(ctx, tell)
		if err != nil {
			return "Nothing was read.", err
		}
		defer end()
		d, err := s.o.Source.DeadLetters(ctx, func(n int) { tell(fmt.Sprintf("%s read", count(n)), int64(n), 0) })
		if ctx.Err() != nil {
			return "The list is as it was.", ctx.Err()
		}
		if err != nil && !answered(d) {
			return "", fmt.Errorf("no queue was read, and the list is as it was: %w", err)
		}
		s.keepQueues(d, false)
		text := letterCount(len(d.Letters)) + " in the queues."
		if err != nil {
			return "", fmt.Errorf("at least %s %w", text, err)
		}
		return text, nil
	})
	s.started(w, r, ok, "/letters")
}

// keepQueues takes in a reading; kept keeps showing what was replayed before it.
func (s *Server) keepQueues(d document.Redrive, kept bool) {
	s.mu.Lock()
	old := s.queues
	s.mu.Unlock()
	q := newQueues(d, s.o.Now(), old, kept) // takes time, and whoever has the turn alone changes the dead letters
	s.mu.Lock()
	if !maps.Equal(s.queues.now, old.now) { // by a look that is newer than the reading
		q.now = s.queues.now
	}
	s.queues = q
	s.mu.Unlock()
	s.news["letters"].changed()
}

// takeTurn waits until nobody else holds dead letters.
func (s *Server) takeTurn(ctx context.Context, tell func(string, int64, int64)) (end func(), err error) {
	return s.turn.run(ctx, func() { tell("Waiting for the end of the run that has the dead letters.", 0, 0) })
}

const (
	// mostQuietly is how many dead letters are read again without being asked for, when
	// their number changes: others cannot read them meanwhile.
	mostQuietly = 1000
	quietTime   = 30 * time.Second
)

// noticeQueues takes note of how many dead letters a look found. Where these are others
// than those of the list, and somebody looks at it, it is read again, once for each
// count. Queues that still change, or that somebody reads, are left alone: a redrive in
// a shell would miss what is held here.
func (s *Server) noticeQueues(ctx context.Context, look Look) {
	now, total := map[string]int{}, 0
	for _, r := range look.Regions {
		if r.DeadLetters != nil {
			now[r.Region] = *r.DeadLetters
			total += *r.DeadLetters
		}
	}
	s.mu.Lock()
	same := maps.Equal(s.queues.now, now)
	s.queues.now = now
	read := same && !look.Held && len(s.queues.changed()) > 0 && !maps.Equal(s.readAt, now) && total <= mostQuietly && s.tabs["letters"] > 0
	s.mu.Unlock()
	if !same {
		s.news["letters"].changed()
	}
	if read && s.readQuietly(ctx) {
		s.mu.Lock()
		s.readAt = now
		s.mu.Unlock()
	}
}

// readQuietly reads the queues unless somebody has the turn, and ends when somebody wants
// it: it is not done then.
func (s *Server) readQuietly(ctx context.Context) (done bool) {
	ctx, end, ok := s.turn.quietly(ctx, quietTime)
	if !ok {
		return false
	}
	defer end()
	d, err := s.o.Source.DeadLetters(ctx, func(int) {})
	if ctx.Err() == nil && err == nil { // else the list stays, and says that it differs
		s.keepQueues(d, true)
	}
	// One that took too long would hide the dead letters again and again.
	return !errors.Is(ctx.Err(), context.Canceled)
}

func (s *Server) startReplay(w http.ResponseWriter, r *http.Request) {
	chosen, err := s.checked(r)
	if err != nil {
		http.Error(w, sentence(err.Error()), http.StatusBadRequest)
		return
	}
	ok := s.jobs.start("replay", "Replay "+chosen.Title(), func(ctx context.Context, tell progress) (string, error) {
		end, err := s.takeTurn(ctx, tell)
		if err != nil {
			return "Nothing was replayed.", err
		}
		defer s.news["ended"].changed() // pages about a key then read its dead letters
		defer end()
		defer s.news["letters"].changed()
		var t replayTally
		tell(t.progress(chosen), 0, int64(chosen.Most))
		d, err := s.o.Source.Replay(ctx, chosen, func(l document.RedriveLetter) {
			if t.add(l); l.Outcome != string(redrive.Skipped) {
				s.noteReplayed(l)
			}
			tell(t.progress(chosen), int64(t.tried()), int64(chosen.Most))
		})
		text := t.text(chosen, err == nil && !d.Interrupted)
		switch {
		case ctx.Err() != nil:
			return text, ctx.Err()
		case err != nil:
			return "", fmt.Errorf("%s %w", text, err)
		case t.left > 0:
			return "", errors.New(text + " The list of dead letters has their reasons.")
		default:
			return text, nil
		}
	})
	s.started(w, r, ok, "/letters")
}

// replayTally counts what becomes of the dead letters of a replay.
type replayTally struct {
	replayed, left, skipped int
	did                     map[string]int
}

func (t *replayTally) add(l document.RedriveLetter) {
	switch l.Outcome {
	case string(redrive.Replayed):
		t.replayed++
		if t.did == nil {
			t.did = map[string]int{}
		}
		for outcome, n := range l.Did {
			t.did[outcome] += n
		}
	case string(redrive.Skipped):
		t.skipped++
	case string(redrive.Interrupted): // in its queue, as if nobody had begun with it
	default:
		t.left++
	}
}

func (t *replayTally) tried() int { return t.replayed + t.left }

func (t *replayTally) progress(chosen Letters) string {
	text := fmt.Sprintf("%s of %s replayed, %s not", count(t.replayed), count(chosen.Most), count(t.left))
	if t.skipped > 0 {
		text += fmt.Sprintf("; %s others were read on the way, and are given back", count(t.skipped))
	}
	return text
}

// text says what came of it. Only of a run that was whole it is known that what is
// missing did not come.
func (t *replayTally) text(chosen Letters, whole bool) string {
	text, missed := fmt.Sprintf("%s replayed, %s of the chosen left.", count(t.replayed), count(t.left)), chosen.Most-t.tried()
	if !whole {
		text = fmt.Sprintf("%s of %s replayed, %s failed.", count(t.replayed), count(chosen.Most), count(t.left))
	}
	if words := became(t.did); words != "" {
		text += " Replayed: " + words + "."
	}
	switch {
	case missed <= 0:
	case !whole:
		text += " The others were not replayed."
	default:
		text += fmt.Sprintf(" SQS did not hand out %s of %s: replayed meanwhile, or held by another reader; read the queues again.",
			count(missed), count(chosen.Most))
	}
	return text
}

func (s *Server) noteReplayed(l document.RedriveLetter) {
	s.mu.Lock()
	s.queues.note(l)
	s.mu.Unlock()
	s.news["letters"].changed()
}
