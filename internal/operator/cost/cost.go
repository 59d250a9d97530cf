// Package cost estimates what it costs a month to replicate between buckets: with
// s3fanout, with S3's own replication, with and without Replication Time
// Control, and with the design that s3fanout goes back to.
//
// It is a model and asks nobody. Its counts are those that the end-to-end tests
// assert, its prices AWS's list prices (package price), before tax, discounts
// and free tiers. What is the same in all designs, storage above all, is left
// out, as is what failures cost. What could not be counted or looked up is an
// assumption, and is named so. See docs/cost-and-performance.md.
package cost

import (
	"fmt"
	"strings"
	"time"

	"s3fanout/internal/copier"
	"s3fanout/internal/operator/price"
	"s3fanout/internal/replicaset"
)

// Design is a way to replicate between buckets.
type Design string

// The designs. Their values are stable.
const (
	S3Fanout Design = "s3fanout"
	CRR      Design = "crr"      // S3 Cross-Region Replication, a rule for each ordered pair of Regions
	CRRRTC   Design = "crr-rtc"  // the same with S3 Replication Time Control
	Original Design = "original" // a function woken by every event, a HEAD before each copy
)

// Item is what is billed. Its values are stable.
type Item string

// The items, in the order of a bill.
const (
	Writes       Item = "s3-writes"       // COPY, PUT and parts, at the target
	Reads        Item = "s3-reads"        // HEAD and GET
	Transfer     Item = "transfer"        // GiB between Regions
	TimeControl  Item = "time-control"    // GiB under Replication Time Control
	Publishes    Item = "sns-publishes"   // notifications of uploads and of replicas
	Filtering    Item = "sns-filtering"   // GiB of messages scanned
	Deliveries   Item = "sns-transfer"    // GiB of messages to other Regions; deliveries themselves are free
	Invocations  Item = "lambda-requests" // invocations
	FunctionTime Item = "lambda-time"     // GB-seconds
	Logs         Item = "logs"            // GB taken in
	Metrics      Item = "metrics"         // custom metrics
	Alarms       Item = "alarms"
	Dashboards   Item = "dashboards"
)

// Items returns all of them in the order of a bill.
func Items() []Item {
	return []Item{
		Writes, Reads, Transfer, TimeControl, Publishes, Filtering, Deliveries, Invocations, FunctionTime,
		Logs, Metrics, Alarms, Dashboards,
	}
}

// Usage is a month of a replica set.
type Usage struct {
	Regions []string // members, two or more
	From    string   // the Region that all uploads go to; if empty, to all alike
	Objects int64    // uploads, 1 or more
	Size    int64    // of an object, in bytes; all are taken to have the mean size
	// Threshold is the size in bytes up to which one request copies an object;
	// 0 means copier.DefaultThreshold.
	Threshold int64
	// MemoryMiB is the functions' memory; 0 means DefaultMemoryMiB.
	MemoryMiB int
	// X86 says that the functions run on x86 instead of arm64.
	X86 bool
	// HeadsSource: each copy asks for its source's storage class first.
	HeadsSource bool
	// Follow is what is followed: with overwrites, both sides are looked at before
	// each copy. An overwrite is an upload like others.
	Follow replicaset.Follow
	// Deletions are those of a month; without Follow.Deletions they cost nothing.
	Deletions int64
	// Reconcile has the Regions compare their buckets, each of which has so many Keys;
	// nil for no comparison.
	Reconcile *replicaset.Reconcile
	Keys      int64
	// NoUserCopies: S3 announces no replica that one request made.
	NoUserCopies bool
	// NoDashboard: the set has none.
	NoDashboard bool
	// CopyTime is how long a function works on a replica; 0 means to assume it:
	// see RequestTime and CopyRate.
	CopyTime time.Duration
}

// Line is an item of a bill.
type Line struct {
	Item     Item
	Quantity float64 // in the item's unit
	Dollars  float64
}

// Bill is what a design costs a month.
type Bill struct {
	Design Design
	Lines  []Line // in the order of Items, those that are not used left out
	// Cannot says why the design cannot do it, and has no lines then; else it is
	// empty.
	Cannot string
}

// Fixed is the part of the bill that does not depend on how much is uploaded.
func (b Bill) Fixed() float64 {
	return b.Of(Metrics).Dollars + b.Of(Alarms).Dollars + b.Of(Dashboards).Dollars
}

// Dollars is the bill's total.
func (b Bill) Dollars() float64 {
	sum := 0.0
	for _, l := range b.Lines {
		sum += l.Dollars
	}
	return sum
}

// Of is an item's line, with zeros if there is none.
func (b Bill) Of(item Item) Line {
	for _, l := range b.Lines {
		if l.Item == item {
			return l
		}
	}
	return Line{Item: item}
}

// Bills are those of all designs: S3Fanout, CRR, CRRRTC, Original.
func Bills(u Usage) []Bill {
	return []Bill{u.fanout(), u.replication(false), u.replication(true), u.original()}
}

// inParts says whether objects are copied in parts.
func (u Usage) inParts() bool {
	threshold := u.Threshold
	if threshold == 0 {
		threshold = copier.DefaultThreshold
	}
	return u.Size > min(threshold, copier.MaxSize)
}

// each calls f for every ordered pair of Regions with the number of replicas
// that are made from the one in the other.
func (u Usage) each(f func(from, to string, replicas float64)) { u.spread(u.Objects, f) }

// spread is each for so many changes in the place of uploads.
func (u Usage) spread(changes int64, f func(from, to string, each float64)) {
	for _, from := range u.Regions {
		uploads := float64(changes) / float64(len(u.Regions))
		if u.From != "" {
			uploads = 0
			if from == u.From {
				uploads = float64(changes)
			}
		}
		if uploads == 0 {
			continue
		}
		for _, to := range u.Regions {
			if to != from {
				f(from, to, uploads)
			}
		}
	}
}

// tally adds lines up while a bill is drawn.
type tally map[Item]*Line

func (t tally) add(item Item, quantity, dollarsEach float64) {
	if quantity == 0 {
		return
	}
	l := t[item]
	if l == nil {
		l = &Line{Item: item}
		t[item] = l
	}
	l.Quantity += quantity
	l.Dollars += quantity * dollarsEach
}

func (t tally) bill(design Design) Bill {
	b := Bill{Design: design}
	for _, item := range Items() {
		if l := t[item]; l != nil {
			b.Lines = append(b.Lines, *l)
		}
	}
	return b
}

// moved counts the bytes that go from one Region to the other.
func (t tally) moved(u Usage, from string, replicas float64) {
	t.add(Transfer, replicas*float64(u.Size)/gib, prices(from).Transfer)
}

func writePrice(region string) float64 { return prices(region).Write / 1000 }

func readPrice(region string) float64 { return prices(region).Read / 1000 }

const (
	gib = 1 << 30
	gb  = 1e9
)

// Alike are so many Regions that have the prices of us-east-1 and no names of
// their own: "Region 1" and so on.
func Alike(n int) []string {
	regions := make([]string, n)
	for i := range regions {
		regions[i] = fmt.Sprintf("%s%d", alike, i+1)
	}
	return regions
}

// alike begins the names of Regions without names.
const alike = "Region "

// prices are a Region's.
func prices(region string) price.Region {
	if strings.HasPrefix(region, alike) {
		region = "us-east-1"
	}
	p, _ := price.Of(region)
	return p
}

// Assumed returns those of the Regions that there is no price of, so that
// price.Default stands for it.
func Assumed(regions []string) []string {
	var unknown []string
	for _, r := range regions {
		if _, known := price.Of(r); !known && !strings.HasPrefix(r, alike) {
			unknown = append(unknown, r)
		}
	}
	return unknown
}
