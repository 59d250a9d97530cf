package redrive

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
)

// subscriptions remembers topics' subscriptions for the time of a run, a watch
// for refreshTime. Its zero value is ready to use, also concurrently.
type subscriptions struct {
	mu    sync.Mutex
	asked map[string]*question // by topic
}

// question is asked by the first who needs its answer; who needs it meanwhile
// waits for the same one, error included.
type question struct {
	answered chan struct{} // closed when the rest is set
	known    map[string]string
	err      error
	at       time.Time
}

// endpoints returns the endpoint of each of the topic's subscriptions by the
// subscription's ARN. A topic that does not exist has none. After an error, the
// next call asks again. Nobody waits for the answer about another topic.
func (s *subscriptions) endpoints(ctx context.Context, client SNS, topic string, watch bool) (map[string]string, error) {
	q, mine := s.question(topic, watch)
	if !mine {
		select {
		case <-q.answered:
			return q.known, q.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	q.known, q.err = listEndpoints(ctx, client, topic)
	q.at = time.Now()
	if q.err != nil {
		s.mu.Lock()
		delete(s.asked, topic)
		s.mu.Unlock()
	}
	close(q.answered)
	return q.known, q.err
}

// question returns the one about a topic, and whether the caller has to answer
// it.
func (s *subscriptions) question(topic string, watch bool) (q *question, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.asked[topic]; q != nil {
		select {
		case <-q.answered:
			if !watch || time.Since(q.at) < refreshTime {
				return q, false
			}
		default:
			return q, false
		}
	}
	if s.asked == nil {
		s.asked = map[string]*question{}
	}
	s.asked[topic] = &question{answered: make(chan struct{})}
	return s.asked[topic], true
}

func listEndpoints(ctx context.Context, client SNS, topic string) (map[string]string, error) {
	known := map[string]string{}
	pages := sns.NewListSubscriptionsByTopicPaginator(client, &sns.ListSubscriptionsByTopicInput{TopicArn: aws.String(topic)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		var gone *snstypes.NotFoundException
		if errors.As(err, &gone) {
			break
		}
		if err != nil {
			return nil, err
		}
		for _, sub := range page.Subscriptions {
			known[aws.ToString(sub.SubscriptionArn)] = aws.ToString(sub.Endpoint)
		}
	}
	return known, nil
}
