package infra

import (
	"maps"
	"strings"
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
		equal(t, "what it starts", schedule.at("Target"),
			any(object{"Arn": here.ReconcileMachineARN(), "RoleArn": here.ScheduleRoleARN(), "Input": "{}"}))

		definition := machine.at("Definition").(object)
		states := definition["States"].(object)
		task := func(states object, name string, payload object, next any) {
			t.Helper()
			state := states[name].(object)
			equal(t, name+": function", state["Parameters"], any(object{"FunctionName": here.ReconcilerARN(), "Payload": payload}))
			equal(t, name+": output", state["OutputPath"], any("$.Payload"))
			equal(t, name+": next", state["Next"], next)
		}
		equal(t, "start", definition["StartAt"], any("Plan"))
		// The schedule begins the next execution after 36 hours, and the function has no
		// room for the invocations of two.
		equal(t, "ends", definition["TimeoutSeconds"], any((36*time.Hour - 15*time.Minute).Seconds()))
		task(states, "Plan", object{"plan": object{"ranges": 40.0}}, "Compare")
		task(states, "Prove", object{"prove": object{"began.$": "$.began", "ranges.$": "$.compared"}}, "Proved")
		compare := states["Compare"].(object)
		for name, want := range map[string]any{
			"Type": "Map", "ItemsPath": "$.ranges", "MaxConcurrency": 10.0, "ResultPath": "$.compared", "Next": "Prove",
			"ItemSelector": object{"range.$": "$$.Map.Item.Value", "began.$": "$.began"},
		} {
			equal(t, "map: "+name, compare[name], want)
		}
		each := compare["ItemProcessor"].(object)
		equal(t, "mode", each["ProcessorConfig"], any(object{"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}))
		equal(t, "first of a range", each["StartAt"], any("Range"))
		inner := each["States"].(object)
		task(inner, "Range", object{"range.$": "$.range", "began.$": "$.began"}, "Done")
		equal(t, "end of a range", inner["Compared"], any(object{"Type": "Succeed"}))
	}
}

// TestRangesThatFail runs the state machine with a function that fails: the other
// ranges are compared all the same, and nothing is proved. A range in which keys
// failed one after another waits before it goes on.
func TestRangesThatFail(t *testing.T) {
	set := defaultSet(t)
	set.Reconcile = &replicaset.Reconcile{Every: 36 * time.Hour, Copy: true, KeyRanges: 4}
	s := synthesize(t, set)
	definition := s.regions[set.Regions[0]].reconciliation().one(t, "AWS::StepFunctions::StateMachine").at("Definition").(object)
	for broken, end := range map[string]string{"": "Complete", "a": "Incomplete"} {
		compared, provedOf := map[string]int{}, list(nil)
		m := machine{t: t, invoke: func(payload object) (object, bool) {
			switch {
			case payload["plan"] != nil:
				return object{"began": "then", "ranges": list{object{"after": ""}, object{"after": "a"}, object{"after": "b"}}}, true
			case payload["range"] != nil:
				r := payload["range"].(object)
				after := r["after"].(string)
				compared[after]++
				if after == broken && broken != "" {
					return nil, false
				}
				if compared[after] == 1 {
					left := object{"status": "paused", "done": false, "range": r, "began": payload["began"]}
					if after == "b" {
						left["wait"] = true
					}
					return left, true
				}
				return object{"status": "complete", "done": true}, true
			}
			prove := payload["prove"].(object)
			provedOf = prove["ranges"].(list)
			equal(t, "began", prove["began"], any("then"))
			return object{"done": broken == ""}, true
		}}
		equal(t, broken+": end", m.run(definition, object{}), end)
		equal(t, broken+": waits", m.waited, 1)
		equal(t, broken+": ranges", len(provedOf), 3)
		for i, r := range provedOf {
			equal(t, broken+": range is done", r.(object)["done"], any(broken == "" || i != 1))
		}
		for _, after := range []string{"", "b"} {
			equal(t, broken+": range after "+after, compared[after], 2)
		}
	}
}

// machine runs what newRanges writes of the Amazon States Language.
type machine struct {
	t      *testing.T
	invoke func(payload object) (object, bool)
	waited int
}

// run returns the name of the last state, and leaves its output in input.
func (m *machine) run(definition, input object) string {
	states := definition["States"].(object)
	name := definition["StartAt"].(string)
	for range 100 {
		state, ok := states[name].(object)
		if !ok {
			m.t.Fatalf("there is no state %q", name)
		}
		next, _ := state["Next"].(string)
		output := input
		switch state["Type"] {
		case "Task":
			answer, done := m.invoke(m.fill(state["Parameters"].(object)["Payload"], input).(object))
			if !done {
				catches, caught := state["Catch"].(list)
				if !caught {
					m.t.Fatalf("%s fails, and everything with it", name)
				}
				next = catches[0].(object)["Next"].(string)
				break
			}
			output = answer
		case "Map":
			var results list
			for _, item := range m.at(input, state["ItemsPath"].(string)).(list) {
				each := object{}
				for member, path := range state["ItemSelector"].(object) {
					if member = strings.TrimSuffix(member, ".$"); path == any("$$.Map.Item.Value") {
						each[member] = item
					} else {
						each[member] = m.at(input, path.(string))
					}
				}
				m.run(state["ItemProcessor"].(object), each)
				results = append(results, any(each))
			}
			output = maps.Clone(input)
			output[strings.TrimPrefix(state["ResultPath"].(string), "$.")] = results
		case "Choice":
			next, _ = state["Default"].(string)
			for _, c := range state["Choices"].(list) {
				rule := c.(object)
				value, present := input[strings.TrimPrefix(rule["Variable"].(string), "$.")]
				if rule["IsPresent"] == any(true) && present || rule["BooleanEquals"] != nil && rule["BooleanEquals"] == value {
					next = rule["Next"].(string)
					break
				}
			}
		case "Wait":
			m.waited++
		case "Pass":
			output = state["Result"].(object)
		case "Succeed", "Fail":
		default:
			m.t.Fatalf("state %s is of type %v", name, state["Type"])
		}
		output = maps.Clone(output)
		clear(input)
		maps.Copy(input, output)
		if next == "" {
			return name
		}
		name = next
	}
	m.t.Fatal("it does not end")
	return ""
}

// fill puts values in the place of paths.
func (m *machine) fill(template any, input object) any {
	members, is := template.(object)
	if !is {
		return template
	}
	filled := object{}
	for name, value := range members {
		if plain, path := strings.CutSuffix(name, ".$"); path {
			filled[plain] = m.at(input, value.(string))
		} else {
			filled[name] = m.fill(value, input)
		}
	}
	return filled
}

func (m *machine) at(input object, path string) any {
	value, is := input[strings.TrimPrefix(path, "$.")]
	if !is {
		m.t.Fatalf("%s is not in %v", path, input)
	}
	return value
}
