package projection_test

import (
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"s3fanout/internal/operator/backfill"
	"s3fanout/internal/operator/cost"
	"s3fanout/internal/operator/price"
	"s3fanout/internal/proof/page"
	"s3fanout/internal/proof/projection"
	"s3fanout/internal/table"
)

var update = flag.Bool("update", false, "write what is projected into docs/cost-and-performance.md")

const (
	billion   = 1_000_000_000
	functions = 15 * time.Minute // an invocation's time, at most
)

// TestProjectionIsDocumented holds docs/cost-and-performance.md against what is
// simulated and computed. make test-large, and -update, simulate the bursts of
// ten times the mean as well, which take most of the time.
func TestProjectionIsDocumented(t *testing.T) {
	const path = "../../../docs/cost-and-performance.md"
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text, most := string(b), 3.0
	if *update || os.Getenv("S3FANOUT_E2E_LARGE") != "" {
		most = math.Inf(1)
	}
	for name, section := range map[string]func() string{
		"regions": regions, "sizes": sizes, "billion": func() string { return billionObjects(text, most) }, "month": month,
	} {
		if text, err = page.Section(text, name, section()); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if text != string(b) {
		t.Errorf("%s is not what is projected: go test ./internal/proof/projection -update", path)
	}
}

func scenario(n int, perMonth, times float64, q projection.Quotas) projection.Scenario {
	rate := perMonth / projection.MonthSeconds
	return projection.Scenario{
		Regions: n, Rate: rate, Burst: times * rate, Length: 10 * time.Minute, Quotas: q, Delays: projection.Assume(), Seed: 1,
	}
}

// regions says how lag and cost grow with the number of Regions.
func regions() string {
	var b strings.Builder
	b.WriteString(
		"| Regions | lag p50, p99 | copies a second, each | concurrency | a month | of it transfer |\n|---|---|---|---|---|---|\n",
	)
	const perMonth = 100_000_000
	for _, n := range []int{2, 3, 5, 20} {
		s := scenario(n, perMonth, 1, projection.DefaultQuotas(1500))
		p := s.Run()
		bill := cost.Bills(cost.Usage{Regions: cost.Alike(n), Objects: perMonth, Size: 100 << 10})[0]
		fmt.Fprintf(&b, "| %d | %s, %s | %.0f | %d | %s | %s |\n", n, lag(p.P50), lag(p.P99), s.Rate*float64(n-1)/float64(n), p.Concurrency,
			dollars(bill.Dollars()), dollars(bill.Of(cost.Transfer).Dollars))
	}
	return b.String()
}

// sizes says how the time of a replica grows with the object's size.
func sizes() string {
	var b strings.Builder
	b.WriteString("| size | requests to S3 | function's time | invocations |\n|---|---|---|---|\n")
	for _, size := range []int64{100 << 10, 256 << 20, 1 << 30, 100 << 30, 50e12} {
		u := cost.Usage{Regions: cost.Alike(2), Objects: 1, Size: size}
		bill := cost.Bills(u)[0]
		took := u.ReplicaTime()
		fmt.Fprintf(&b, "| %s | %.0f | %s | %.0f |\n", table.Bytes(size), bill.Of(cost.Writes).Quantity+bill.Of(cost.Reads).Quantity,
			lag(took), math.Ceil(took.Seconds()/functions.Seconds()))
	}
	return b.String()
}

// billionObjects projects 20 Regions into which a billion objects are uploaded a
// month. The rows of bursts of more times the mean than most are taken from the
// page.
func billionObjects(page string, most float64) string {
	var b strings.Builder
	b.WriteString("| ten minutes at | quotas | lag p50, p99 | concurrency | `SlowDown` | dead letters | drained after |\n" +
		"|---|---|---|---|---|---|---|\n")
	for _, c := range []struct {
		times float64
		q     projection.Quotas
	}{
		{1, projection.DefaultQuotas(300)},
		{1, projection.DefaultQuotas(1500)},
		{10, projection.DefaultQuotas(1500)},
		{10, projection.Quotas{Publishes: 9000, Concurrency: 2000, Writes: 3500}},
		{10, projection.Quotas{Publishes: 9000, Concurrency: 2000, Writes: 7000}},
	} {
		s := scenario(20, billion, c.times, c.q)
		burst := fmt.Sprintf("| %.0f × the mean, %.0f/s | %s | ", c.times, s.Burst, quotas(c.q))
		if c.times > most {
			_, row, _ := strings.Cut(page, burst)
			row, _, _ = strings.Cut(row, "\n")
			b.WriteString(burst + row + "\n")
			continue
		}
		p := s.Run()
		fmt.Fprintf(&b, "%s%s, %s | %d | %d | %d | %s |\n", burst,
			lag(p.P50), lag(p.P99), p.Concurrency, p.Refused, p.DeadLetters, lag(p.Drained))
	}
	for _, q := range []projection.Quotas{projection.DefaultQuotas(1500), {Publishes: 1500, Concurrency: 100, Writes: 3500}} {
		s := scenario(20, billion, 1, q)
		s.Away = true
		p := s.Run()
		fmt.Fprintf(&b, "| the mean, the Region's S3 away | %s | %s, %s of the others | %d | %d | %d | %s |\n",
			quotas(q), lag(p.P50), lag(p.P99), p.Concurrency, p.Refused, p.DeadLetters, lag(p.Drained))
	}
	return b.String()
}

func quotas(q projection.Quotas) string {
	return fmt.Sprintf("%.0f, %d, %.0f", q.Publishes, q.Concurrency, q.Writes)
}

// month says what operating such a set takes.
func month() string {
	const n, size = 20, 100 << 10
	u := cost.Usage{Regions: cost.Alike(n), Objects: billion, Size: size}
	bill := cost.Bills(u)[0]
	us, _ := price.Of("us-east-1")
	rate := backfill.DefaultConcurrency / cost.RequestTime.Seconds()
	var b strings.Builder
	fmt.Fprintf(&b, "- A month costs about %s: %s transfer, %s COPY requests, %s SNS, %s Lambda, %s logs.\n", dollars(bill.Dollars()),
		dollars(bill.Of(cost.Transfer).Dollars), dollars(bill.Of(cost.Writes).Dollars),
		dollars(bill.Of(cost.Publishes).Dollars+bill.Of(cost.Filtering).Dollars+bill.Of(cost.Deliveries).Dollars),
		dollars(bill.Of(cost.Invocations).Dollars+bill.Of(cost.FunctionTime).Dollars), dollars(bill.Of(cost.Logs).Dollars))
	fmt.Fprintf(&b, "- `verify` makes %.0f million LIST requests, %s.\n",
		float64(n)*billion/1000/1e6, dollars(float64(n)*billion/1000*us.Write/1000))
	fmt.Fprintf(&b,
		"- `backfill` of a new Region costs %s for requests and %s for transfer, and takes %.0f days: use S3 Batch Operations.\n",
		dollars(billion*us.Write/1000), dollars(float64(billion)*size/(1<<30)*us.Transfer), billion/rate/86400)
	return b.String()
}

func lag(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%.1f min", d.Minutes())
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}

func dollars(v float64) string {
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return "$" + s
}
