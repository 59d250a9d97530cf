package cost

import (
	"cmp"
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/operator/price"
)

// What an upload and a replica cause. Tests hold these against the templates
// and against what the sandbox's functions write.
const (
	// EventBytes is about the size of S3's event with a key of some 60 bytes,
	// and NotificationBytes that of the message around it that SNS delivers.
	EventBytes        = 1000
	NotificationBytes = 2100
	// LogLineBytes is about the size of the line that a record's copy writes. Lambda
	// itself writes nothing about an invocation that went well.
	LogLineBytes = 600
	// DefaultMemoryMiB is a function's memory.
	DefaultMemoryMiB = 128
	// AlarmMetricsPerRegion are the metrics that the alarms of each Region's stack
	// look at. An alarm that adds two metrics up is billed as two.
	AlarmMetricsPerRegion = 10
	// DashboardsPerSet is the dashboards of all Regions together.
	DashboardsPerSet = 1
)

// MetricsPerRegion is how many custom metrics a Region has data in whose function
// makes replicas from so many others, and nothing else: ReplicationLag, by source
// Region as well.
func MetricsPerRegion(sources int) int { return 1 + sources }

// What following changes adds: the alarm many-deletions, and the metrics Deleted and
// SourceGone of a Region in which deletions are followed.
const (
	AlarmMetricsOfDeletions = 1
	MetricsOfDeletions      = 2
)

// metricsPerRule is how many metrics a rule with Replication Time Control has,
// as long as nothing fails: ReplicationLatency, and bytes and operations pending
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html).
const metricsPerRule = 3

// Assumptions about how long a function waits for S3. They have not been
// measured on AWS, which promises no times; Lambda's metric Duration says how
// it is in an account.
const (
	// RequestTime is how long S3 takes to answer a copy before its bytes count,
	// and CopyRate how many bytes a second one request copies besides.
	RequestTime = 200 * time.Millisecond
	CopyRate    = 50 << 20
	// headTime is how long S3 takes to answer a HEAD.
	headTime = 50 * time.Millisecond
)

// What is assumed of the original design's function, in Python: Lambda's least
// memory, on x86, and the three lines that Lambda writes in text.
const (
	originalMemoryGiB = 0.125
	originalLogBytes  = 330
)

// ReplicaTime is how long a function works on a replica: CopyTime, or what is
// assumed in its place.
func (u Usage) ReplicaTime() time.Duration {
	if u.CopyTime > 0 {
		return u.CopyTime
	}
	if !u.inParts() {
		return RequestTime + transferTime(u.Size)
	}
	parts := int64(copier.Parts(u.Size))
	waves := (parts + copier.DefaultParallel - 1) / copier.DefaultParallel
	// Two HEAD, the tags, the upload's beginning and its end are one after
	// another, and as slow as HEADs.
	return 5*headTime + time.Duration(waves)*(RequestTime+transferTime(u.Size/parts))
}

func transferTime(bytes int64) time.Duration {
	return time.Duration(float64(bytes) / CopyRate * float64(time.Second))
}

// fanout is this design: an upload is published once, and so is each replica,
// whose notification the filters drop; each other Region's function is invoked
// once and sends one CopyObject, or copies in parts.
func (u Usage) fanout() Bill {
	t := tally{}
	memory := float64(cmp.Or(u.MemoryMiB, DefaultMemoryMiB)) / 1024 // GiB
	busy, second := u.ReplicaTime(), price.GBSecond
	if u.Follow.Overwrites {
		busy += 2 * headTime
	}
	seconds := busy.Seconds()
	if u.X86 {
		second = price.GBSecondX86
	}
	sources := map[string]int{} // of each Region that gets replicas
	u.each(func(from, to string, replicas float64) {
		sources[to]++
		t.moved(u, from, replicas)
		if u.inParts() {
			// The beginning, the parts and the end; HEAD of both sides and tags.
			t.add(Writes, replicas*float64(copier.Parts(u.Size)+2), writePrice(to))
			t.add(Reads, replicas, readPrice(to))
			t.add(Reads, 2*replicas, readPrice(from))
		} else {
			t.add(Writes, replicas, writePrice(to))
			if u.HeadsSource {
				t.add(Reads, replicas, readPrice(from))
			}
		}
		if u.Follow.Overwrites {
			t.add(Reads, replicas, readPrice(to))
			t.add(Reads, replicas, readPrice(from))
		}
		t.add(Invocations, replicas, price.Invocation)
		t.add(FunctionTime, replicas*seconds*memory, second)
		t.add(Logs, replicas*LogLineBytes/gb, prices(to).Logs)
		t.add(Deliveries, replicas*NotificationBytes/gib, prices(from).Transfer)
		// The replica's own notification, which every subscription's filter
		// scans, as it did the upload's.
		if u.NoUserCopies && !u.inParts() {
			return
		}
		t.add(Publishes, replicas, price.Publish)
		t.add(Filtering, replicas*float64(len(u.Regions)-1)*EventBytes/gib, price.FilterGiB)
	})
	t.add(Publishes, float64(u.Objects), price.Publish)
	t.add(Filtering, float64(u.Objects)*float64(len(u.Regions)-1)*EventBytes/gib, price.FilterGiB)
	u.deletions(t, memory, second)
	u.reconcile(t, second)
	n := len(u.Regions)
	for _, k := range sources {
		t.add(Metrics, float64(MetricsPerRegion(k)), price.MetricMonth)
	}
	t.add(Alarms, float64(n*AlarmMetricsPerRegion), price.AlarmMonth)
	if !u.NoDashboard {
		t.add(Dashboards, DashboardsPerSet, price.DashboardMonth)
	}
	return t.bill(S3Fanout)
}

// deletions adds those that are followed. A deletion is published once, and each
// other Region's function lists the key's versions at the source, looks at both
// sides and makes a delete marker, which S3 does not charge. Each marker is
// published too and wakes the other functions, which find nothing on either side.
func (u Usage) deletions(t tally, memory, second float64) {
	if !u.Follow.Deletions {
		return
	}
	n := float64(len(u.Regions))
	t.add(Alarms, n*AlarmMetricsOfDeletions, price.AlarmMonth)
	if u.Deletions == 0 {
		return
	}
	woken := func(from, to string, events float64, busy time.Duration) {
		t.add(Reads, events, readPrice(to))
		t.add(Reads, events, readPrice(from))
		t.add(Invocations, events, price.Invocation)
		t.add(FunctionTime, events*busy.Seconds()*memory, second)
		t.add(Logs, events*LogLineBytes/gb, prices(to).Logs)
		t.add(Deliveries, events*NotificationBytes/gib, prices(from).Transfer)
	}
	published := func(events float64) {
		t.add(Publishes, events, price.Publish)
		t.add(Filtering, events*(n-1)*EventBytes/gib, price.FilterGiB)
	}
	reached := map[string]bool{}
	u.spread(u.Deletions, func(from, to string, deleted float64) {
		reached[to] = true
		t.add(Writes, deleted, writePrice(from)) // LIST has the price of writes
		woken(from, to, deleted, 4*headTime)
		published(deleted) // the marker's
		for _, target := range u.Regions {
			if target != to {
				woken(to, target, deleted, 2*headTime)
			}
		}
	})
	published(float64(u.Deletions))
	t.add(Metrics, float64(len(reached)*MetricsOfDeletions), price.MetricMonth)
}

// replication is S3's own: a PUT and the transfer of each replica are billed, and
// with Replication Time Control a surcharge on the transfer and the metrics of
// each rule (https://aws.amazon.com/s3/pricing/, "Replication"). There is a rule
// for each Region that is uploaded to and each other one. An object that was
// uploaded in parts has a PUT for each of them, which the model cannot know, and
// S3 makes up to five GET and HEAD and another PUT for each replica at the source
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html), which
// the page on prices does not name. Both are left out, in favour of S3.
func (u Usage) replication(timeControl bool) Bill {
	t := tally{}
	u.each(func(from, to string, replicas float64) {
		t.add(Writes, replicas, writePrice(to))
		t.moved(u, from, replicas)
		if timeControl {
			t.add(TimeControl, replicas*float64(u.Size)/gib, price.ReplicationTimeControlGiB)
			t.add(Metrics, metricsPerRule, price.MetricMonth)
		}
	})
	if timeControl {
		return t.bill(CRRRTC)
	}
	return t.bill(CRR)
}

// original wakes all other Regions' functions by every event, those of replicas
// among them: N(N-1) invocations an upload, each with a HEAD, and a copy in
// N-1 of them, up to what one request copies. It has no filters, metrics, alarms
// or dashboards.
func (u Usage) original() Bill {
	if u.Size > copier.MaxSize {
		return Bill{Design: Original, Cannot: "it copies with one request, which S3 refuses over 5 GiB"}
	}
	t := tally{}
	woken := func(from, to string, events float64, busy time.Duration) {
		t.add(Reads, events, readPrice(to))
		t.add(Invocations, events, price.Invocation)
		t.add(FunctionTime, events*busy.Seconds()*originalMemoryGiB, price.GBSecondX86)
		t.add(Logs, events*originalLogBytes/gb, prices(to).Logs)
		t.add(Deliveries, events*NotificationBytes/gib, prices(from).Transfer)
	}
	u.each(func(from, to string, replicas float64) {
		t.moved(u, from, replicas)
		t.add(Writes, replicas, writePrice(to))
		woken(from, to, replicas, headTime+u.ReplicaTime())
		t.add(Publishes, replicas, price.Publish)
		for _, target := range u.Regions {
			if target != to {
				woken(to, target, replicas, headTime)
			}
		}
	})
	t.add(Publishes, float64(u.Objects), price.Publish)
	return t.bill(Original)
}
