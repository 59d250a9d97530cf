package health

import (
	"strings"

	"s3fanout/internal/iampolicy"
)

// stranger is a role of the account that stands for all that nothing names.
func (c *checker) stranger() string {
	return strings.TrimSuffix(c.here().AccountARN(), "root") + "role/s3fanout-doctor-asks-for-any-other-role"
}

// byPrincipal is a request of a role or user of the account, as far as it is
// known: no service makes it for a resource.
func (c *checker) byPrincipal(arn, action, resource string) iampolicy.Request {
	return iampolicy.Request{
		Principal: &iampolicy.Principal{ARNs: []string{arn}}, Action: action, Resource: resource,
		Context: map[string]string{
			"aws:principalarn": arn, "aws:principalaccount": c.facts.Account, "aws:resourceaccount": c.facts.Account,
			"aws:securetransport": "true", "aws:principalisawsservice": "false",
		},
		Absent: []string{"aws:sourcearn", "aws:sourceaccount", "aws:principalservicename"},
	}
}

// says puts a request of a principal to a policy, as what it says to the principal
// and to its account.
func (c *checker) says(policy string, r iampolicy.Request) (iampolicy.Says, error) {
	d, err := iampolicy.Parse([]byte(policy))
	if err != nil {
		return iampolicy.Says{}, err
	}
	toAccount := r
	toAccount.Principal = &iampolicy.Principal{Account: c.facts.Account}
	return d.Says(r).And(d.Says(toAccount)), nil
}

// senders checks whom the queue's policy keeps from sending: all but SNS, which is
// asked about elsewhere, and the function, which its own policies allow it.
func (c *checker) senders(policy string) {
	queue := "queue " + c.facts.Set.QueueName()
	ask := func(arn string) (iampolicy.Says, error) {
		return c.says(policy, c.byPrincipal(arn, "sqs:SendMessage", c.here().QueueARN()))
	}
	function, err := ask(c.here().RoleARN())
	if policy == "" || err != nil {
		return // which is found already
	}
	others, _ := ask(c.stranger())
	read := "read the policy: " + c.readQueuePolicy()
	switch function.Denies {
	case iampolicy.Yes:
		c.find(checkQueuePolicy, "the policy of %s denies sqs:SendMessage to the function's role", queue)
	case iampolicy.Perhaps:
		c.unknown(
			checkQueuePolicy, read,
			"the function's role may send to %s: its policy denies that under conditions that doctor does not understand",
			queue,
		)
	case iampolicy.No:
	}
	switch others.Denies {
	case iampolicy.No:
		c.find(
			checkSenders,
			"the policy of %s does not deny sqs:SendMessage to principals other than the function's role and the topic",
			queue,
		)
	case iampolicy.Perhaps:
		c.unknown(checkSenders, read, "others may send to %s: its policy denies that under conditions that doctor does not understand",
			queue)
	case iampolicy.Yes:
	}
}

// operators checks whom the role's trust policy lets work as the function: those of
// operatorArns and nobody else or, without that, whomever the account lets.
func (c *checker) operators(trust string) {
	ask := func(arn string) iampolicy.Answer {
		r := c.byPrincipal(arn, "sts:AssumeRole", "")
		r.Context["sts:rolesessionname"] = c.facts.Set.OperatorSession()
		says, err := c.says(trust, r)
		if err != nil {
			return iampolicy.Perhaps
		}
		return says.Answer()
	}
	if _, err := iampolicy.Parse([]byte(trust)); err != nil {
		return // which is found already
	}
	role := "role " + c.here().RoleName()
	listed, restricted := c.facts.Set.Operators(c.facts.Account)
	var lacking, foreign, unclear []string
	for _, arn := range listed {
		if !strings.Contains(arn, ":"+c.facts.Account+":") {
			foreign = append(foreign, arn)
			continue
		}
		switch ask(arn) {
		case iampolicy.No:
			lacking = append(lacking, arn)
		case iampolicy.Perhaps:
			unclear = append(unclear, arn)
		case iampolicy.Yes:
		}
	}
	if len(foreign) > 0 {
		info := c.info[checkOperator]
		info.Fix = "name roles or users of account " + c.facts.Account + " in operatorArns, " +
			"such as a role that the others can assume; then " + info.Fix
		c.append(info, "operatorArns lists %s, but %s trusts its own account %s alone", strings.Join(foreign, ", "), role, c.facts.Account)
	}
	if len(lacking) > 0 {
		c.find(checkOperator, "%s may not be assumed by %s, which operatorArns lists", role, strings.Join(lacking, ", "))
	}
	switch others := ask(c.stranger()); {
	case others == iampolicy.Perhaps:
		unclear = append(unclear, "others")
	case restricted && others == iampolicy.Yes:
		c.find(checkOperator, "any role or user of the account whose policies allow it may assume %s, not only those in operatorArns", role)
	case !restricted && others == iampolicy.No:
		c.find(checkOperator, "roles and users of the account may not assume %s", role)
	}
	if len(unclear) > 0 {
		c.unknown(checkOperator, "read the policy: aws iam get-role --role-name "+c.here().RoleName(),
			"%s may be assumed by %s: its trust policy has conditions that doctor does not understand", role, strings.Join(unclear, ", "))
	}
}
