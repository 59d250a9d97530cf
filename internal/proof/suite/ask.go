package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"golang.org/x/term"

	"s3fanout/internal/operator/cost"
)

// hours is for how long a run is reckoned to leave metrics, alarms and
// dashboards in place; CloudWatch bills them by the hour.
const hours, hoursOfMonth = 2, 730

// estimate is about what a run costs in dollars, and what a month would, if
// nobody took it away again.
func estimate(o options) (run, month float64) {
	uploads := int64(o.objects + 100)
	bill := cost.Bills(cost.Usage{Regions: o.set.Regions, Objects: uploads, Size: 40 << 20 / uploads})[0]
	variable := bill.Dollars() - bill.Fixed()
	return math.Ceil((variable+bill.Fixed()*hours/hoursOfMonth)*100) / 100, bill.Fixed()
}

// question is what an operator is asked before anything is made.
func question(o options, account, caller string) string {
	run, month := estimate(o)
	return fmt.Sprintf(`This deploys the replica set %s to the AWS account %s, as %s,
in %s: a bucket, a topic, a queue, a function and a role in each.
It uploads about %d small objects, and costs about $%.2f. At the end everything is taken away
again, also after an interrupt; if that fails, it says what is left, which costs $%.2f a month.
The Regions have to be bootstrapped for the CDK.

`, o.name, account, caller, strings.Join(o.set.Regions, ", "), o.objects+100, run, month)
}

// confirm asks for the run's name.
func confirm(o options, account, caller string, in *os.File, out io.Writer) error {
	if _, err := io.WriteString(out, question(o, account, caller)); err != nil {
		return err
	}
	if o.yes {
		return nil
	}
	if !term.IsTerminal(int(in.Fd())) {
		return usageError{errors.New("there is no terminal to ask on; nothing was done. With -yes it does not ask")}
	}
	return readConfirmation(o.name, in, out)
}

func readConfirmation(name string, in io.Reader, out io.Writer) error {
	if _, err := fmt.Fprintf(out, "Type %s to go on: ", name); err != nil {
		return err
	}
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(line) != name {
		return usageError{errors.New("not confirmed; nothing was done")}
	}
	return nil
}
