package document

// Cost is what cost --output json writes. Its names and the values of
// design, item and unit are stable.
type Cost struct {
	Objects        int64        `json:"objects"`
	Bytes          int64        `json:"bytes"`
	Regions        []string     `json:"regions"`
	From           string       `json:"from,omitempty"`
	Follow         []string     `json:"follow,omitempty"`
	Deletions      int64        `json:"deletions,omitempty"`
	AssumedPrices  []string     `json:"assumedPrices"`
	Designs        []CostDesign `json:"designs"`
	BreakEvenBytes *int64       `json:"breakEvenBytes,omitempty"`
}

// CostDesign is one way to replicate, with what it costs a month.
type CostDesign struct {
	Design  string     `json:"design"`
	Dollars float64    `json:"dollars"`
	Fixed   float64    `json:"fixedDollars"`
	Cannot  string     `json:"cannot,omitempty"`
	Items   []CostItem `json:"items"`
}

// CostItem is a line of the bill.
type CostItem struct {
	Item     string  `json:"item"`
	Quantity float64 `json:"quantity"`
	Unit     string  `json:"unit"`
	Dollars  float64 `json:"dollars"`
}
