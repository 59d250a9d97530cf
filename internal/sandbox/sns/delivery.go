package sns

import (
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	smithytime "github.com/aws/smithy-go/time"

	"s3fanout/internal/sandbox/fault"
	"s3fanout/internal/sandbox/iam"
	"s3fanout/internal/sandbox/network"
	"s3fanout/internal/sandbox/sqs"
	"s3fanout/internal/sandbox/stats"
	"s3fanout/internal/sandbox/trace"
)

// How late a delivery is when the fault Delay strikes. The spread is what puts
// deliveries out of order.
const (
	minDelay = 200 * time.Millisecond
	maxDelay = 2 * time.Second
)

// startDelivery filters a message and starts its delivery, twice if that fault
// strikes. s.mu is held.
func (s *Service) startDelivery(t *topic, sub *subscription, n notification) {
	if !sub.matches(n.message) {
		s.cfg.Counters.Update(t.region, func(r *stats.Region) { r.SNS.Filtered++ })
		s.count(t, "NumberOfNotificationsFilteredOut")
		s.note(trace.Filtered, sub.endpoint, n, "")
		return
	}
	times := 1
	if s.cfg.Faults.Strikes(t.region, fault.DuplicateDelivery) {
		times = 2
	}
	// A copy: attributes may change while the delivery waits.
	target := *sub
	function, _ := arn.Parse(sub.endpoint) // Subscribe checked it
	for range times {
		delay := s.cfg.Network.Takes(network.Deliver, t.region, function.Region)
		if s.cfg.Faults.Strikes(t.region, fault.Delay) {
			delay += minDelay + rand.N(maxDelay-minDelay)
		}
		end := s.cfg.Counters.Begin()
		s.work.Add(1)
		go func() {
			defer s.work.Done()
			defer end()
			if s.pause(delay) {
				s.deliver(t, target, n)
			}
		}()
	}
}

// pause waits; false if the sandbox ended meanwhile.
func (s *Service) pause(d time.Duration) bool {
	return smithytime.SleepWithContext(s.ctx, d) == nil
}

// deliver invokes the function. Every error is one of the client's side
// (the function is gone, forbids it, or cannot take the payload), which SNS does
// not retry (https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html).
func (s *Service) deliver(t *topic, sub subscription, n notification) {
	event, err := n.lambdaEvent(sub.arn)
	if err == nil {
		err = s.cfg.Functions.InvokeAsync(s.ctx, s.principal(t, sub.endpoint), sub.endpoint, event)
	}
	switch {
	case err == nil:
		s.cfg.Counters.Update(t.region, func(r *stats.Region) { r.SNS.Delivered++ })
		s.count(t, "NumberOfNotificationsDelivered")
		s.note(trace.Delivered, sub.endpoint, n, "")
	case s.ctx.Err() != nil: // the sandbox is shutting down
	default:
		s.cfg.Counters.Update(t.region, func(r *stats.Region) { r.SNS.Undeliverable++ })
		s.count(t, "NumberOfNotificationsFailed")
		s.note(trace.Undelivered, sub.endpoint, n, err.Error())
		s.giveUp(t, sub, n, err)
	}
}

// note remembers what became of a message for one function.
func (s *Service) note(stage trace.Stage, functionARN string, n notification, detail string) {
	function, _ := arn.Parse(functionARN) // Subscribe checked it
	s.cfg.Trace.Note(stage, function.Region, []byte(n.message), detail)
}

// principal is who delivers a topic's messages to a function.
func (s *Service) principal(t *topic, functionARN string) iam.Caller {
	function, _ := arn.Parse(functionARN) // Subscribe checked it
	return iam.Caller{Service: s.cfg.Principal(t.region, function.Region), SourceARN: t.arn, SourceAccount: s.cfg.AccountID}
}

func (s *Service) lost(t *topic, sub subscription, n notification, why string) {
	s.note(trace.Lost, sub.endpoint, n, why)
	s.cfg.Counters.Update(t.region, func(r *stats.Region) { r.SNS.Lost++ })
}

// giveUp sends a message to the subscription's dead-letter queue, with the
// reason in message attributes. Without a queue, or if the queue forbids it, the
// message is lost.
func (s *Service) giveUp(t *topic, sub subscription, n notification, reason error) {
	log := s.cfg.Logger.With(
		"region", t.region, "topic", t.arn, "endpoint", sub.endpoint, "messageId", n.messageID, "reason",
		reason.Error(),
	)
	if sub.deadLetterQueue == "" {
		s.lost(t, sub, n, "the subscription has no dead-letter queue")
		log.Error("message lost: the subscription has no dead-letter queue")
		return
	}
	body, err := n.deadLetter(sub.arn)
	if err == nil {
		// The queue is in the topic's own Region: no Regional principal.
		caller := iam.Caller{Service: "sns.amazonaws.com", SourceARN: t.arn, SourceAccount: s.cfg.AccountID}
		_, err = s.cfg.Queues.Send(s.ctx, caller, sub.deadLetterQueue, string(body), reasonAttributes(reason))
	}
	if err != nil {
		s.lost(t, sub, n, "the dead-letter queue did not take it: "+err.Error())
		s.count(t, "NumberOfNotificationsFailedToRedriveToDlq")
		log.LogAttrs(
			s.ctx, slog.LevelError, "message lost: the dead-letter queue did not take it",
			slog.String("queue", sub.deadLetterQueue), slog.Any("error", err),
		)
		return
	}
	s.count(t, "NumberOfNotificationsRedrivenToDlq")
	s.note(trace.DeadLetter, sub.endpoint, n, "in the queue of "+t.region)
	log.Warn("message undeliverable, sent to the dead-letter queue", "queue", sub.deadLetterQueue)
}

// reasonAttributes are the message attributes of a dead letter.
func reasonAttributes(reason error) map[string]sqs.Attribute {
	code, message := "ClientError", reason.Error()
	var coded interface {
		error
		ErrorCode() string
	}
	if errors.As(reason, &coded) {
		code = coded.ErrorCode()
	}
	return map[string]sqs.Attribute{
		"RequestID":    sqs.StringAttribute(newID()),
		"ErrorCode":    sqs.StringAttribute(code),
		"ErrorMessage": sqs.StringAttribute(message),
	}
}
