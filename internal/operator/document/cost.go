package document

import (
	"math"

	"s3fanout/internal/operator/cost"
	"s3fanout/internal/replicaset"
)

// Cost is what cost --output json writes. Its names and the values of
// design, item and unit are stable.
type Cost struct {
	Objects        int64        `json:"objects"`
	Bytes          int64        `json:"bytes"`
	Regions        []string     `json:"regions"`
	From           string       `json:"from,omitempty"`
	Follow         []string     `json:"follow,omitempty"`
	Deletions      int64        `json:"deletions,omitempty"`
	Reconcile      string       `json:"reconcile,omitempty"` // how often, as "1 day"
	Keys           int64        `json:"keys,omitempty"`      // in each bucket
	AssumedPrices  []string     `json:"assumedPrices" jsonschema:"Regions without known prices"`
	Designs        []CostDesign `json:"designs"`
	BreakEvenBytes *int64       `json:"breakEvenBytes,omitempty" jsonschema:"mean size from which on s3fanout costs no more than crr-rtc"`
}

// CostDesign is one way to replicate, with what it costs a month.
type CostDesign struct {
	Design  string     `json:"design" jsonschema:"s3fanout, crr, crr-rtc or original (every event invokes every function)"`
	Dollars float64    `json:"dollars"`
	Fixed   float64    `json:"fixedDollars"`
	Cannot  string     `json:"cannot,omitempty" jsonschema:"why the design cannot copy such objects"`
	Items   []CostItem `json:"items"`
}

// CostItem is a line of the bill.
type CostItem struct {
	Item     string  `json:"item"`
	Quantity float64 `json:"quantity"`
	Unit     string  `json:"unit"`
	Dollars  float64 `json:"dollars"`
}

// NewCost makes the document of what the designs cost.
func NewCost(u cost.Usage) Cost {
	d := Cost{
		Objects: u.Objects, Bytes: u.Size * u.Objects, Regions: u.Regions, From: u.From,
		AssumedPrices: append([]string{}, cost.Assumed(u.Regions)...), Follow: u.Follow.Names(), Deletions: u.Deletions,
	}
	if u.Reconcile != nil {
		d.Reconcile, d.Keys = replicaset.Span(u.Reconcile.Every), u.Keys
	}
	for _, bill := range cost.Bills(u) {
		design := CostDesign{
			Design:  string(bill.Design),
			Dollars: decimals(bill.Dollars()),
			Fixed:   decimals(bill.Fixed()),
			Cannot:  bill.Cannot,
			Items:   []CostItem{},
		}
		for _, l := range bill.Lines {
			design.Items = append(
				design.Items,
				CostItem{Item: string(l.Item), Quantity: decimals(l.Quantity), Unit: CostUnits()[l.Item], Dollars: decimals(l.Dollars)},
			)
		}
		d.Designs = append(d.Designs, design)
	}
	if size, ok := cost.BreakEven(u); ok {
		d.BreakEvenBytes = &size
	}
	return d
}

// decimals rounds to a billionth, below which there is noise.
func decimals(x float64) float64 { return math.Round(x*1e9) / 1e9 }

// CostUnits are what the items are counted in.
func CostUnits() map[cost.Item]string {
	return map[cost.Item]string{
		cost.Writes:       "requests",
		cost.Reads:        "requests",
		cost.Transfer:     "GiB",
		cost.TimeControl:  "GiB",
		cost.Publishes:    "requests",
		cost.Filtering:    "GiB",
		cost.Deliveries:   "GiB",
		cost.Invocations:  "requests",
		cost.FunctionTime: "GB-s",
		cost.Logs:         "GB",
		cost.Metrics:      "metrics",
		cost.Alarms:       "metrics",
		cost.Dashboards:   "dashboards",
	}
}
