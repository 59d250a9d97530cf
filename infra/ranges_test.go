package infra

import (
	"testing"
	"time"

	"s3fanout/internal/replicaset"
)

// TestRanges follows the state machine from state to state: each range of the plan
// is given to the function until it is done, and what is proven is proven last.
func TestRanges(t *testing.T) {
	set := defaultSet(t)
	set.Reconcile = &replicaset.Reconcile{Every: 36 * time.Hour, Copy: true, KeyRanges: 40}
	s := synthesize(t, set)
	for _, region := range set.Regions {
		here, parts := s.member(region), s.regions[region].reconciliation()
		machine := parts.one(t, "AWS::StepFunctions::StateMachine")
		equal(t, "name", machine.at("StateMachineName"), any("s3fanout-reconcile"))
		equal(t, "role", machine.at("RoleArn"), any(here.ScheduleRoleARN()))

		schedule := scheduleNamed(t, parts, "s3fanout-reconcile-ranges")
		equal(t, "every", schedule.at("ScheduleExpression"), any("rate(36 hours)"))
		equal(t, "what it starts", schedule.at("Target"), any(object{"Arn": here.ReconcileMachineARN(), "RoleArn": here.ScheduleRoleARN(), "Input": "{}"}))

		definition := machine.at("Definition").(object)
		states := definition["States"].(object)
		task := func(states object, name string, payload object, next any) {
			t.Helper()
			state := states[name].(object)
			equal(t, name+": function", state["Parameters"], any(object{"FunctionName": here.ReconcilerARN(), "Payload": payload}))
			equal(t, name+": output", state["OutputPath"], any("$.Payload"))
			equal(t, name+": next", state["Next"], next)
			equal(t, name+": ends", state["End"], map[bool]any{true: true, false: nil}[next == nil])
		}
		equal(t, "start", definition["StartAt"], any("Plan"))
		task(states, "Plan", object{"plan": object{"ranges": 40.0}}, "Compare")
		task(states, "Prove", object{"prove": object{"began.$": "$.began"}}, nil)
		compare := states["Compare"].(object)
		for name, want := range map[string]any{
			"Type": "Map", "ItemsPath": "$.ranges", "MaxConcurrency": 10.0, "ResultSelector": object{"done": true}, "ResultPath": "$.compared", "Next": "Prove",
			"ItemSelector": object{"range.$": "$$.Map.Item.Value", "began.$": "$.began"},
		} {
			equal(t, "map: "+name, compare[name], want)
		}
		each := compare["ItemProcessor"].(object)
		equal(t, "mode", each["ProcessorConfig"], any(object{"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}))
		equal(t, "first of a range", each["StartAt"], any("Range"))
		inner := each["States"].(object)
		task(inner, "Range", object{"range.$": "$.range", "began.$": "$.began"}, "Done")
		equal(t, "choice", inner["Done"], any(object{"Type": "Choice", "Default": "Range",
			"Choices": list{object{"Variable": "$.done", "BooleanEquals": true, "Next": "Compared"}}}))
		equal(t, "end of a range", inner["Compared"], any(object{"Type": "Succeed"}))
	}
}
