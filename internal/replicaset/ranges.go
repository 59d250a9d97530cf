package replicaset

import "time"

// rangesMargin is how long before the next execution begins one ends at the latest: as
// long as its last invocations may live.
const rangesMargin = 15 * time.Minute

// rangesWait, in seconds, is how long a range waits in which keys failed one after
// another: what they had in common may have passed then.
const rangesWait = 60

// RangesDefinition is the state machine of a member that has key ranges compared, in the
// Amazon States Language. An execution ends before the schedule begins the next one: the
// function has no room for two, and what the first one has not compared the next one
// does. A range that fails ends by itself and leaves the others alone, and the function
// proves nothing then.
func (c Config) RangesDefinition(m Member) map[string]any {
	type state = map[string]any
	invoke := func(payload state, next string) state {
		return state{
			"Type":       "Task",
			"Resource":   m.InvokeTaskARN(),
			"Parameters": state{"FunctionName": m.ReconcilerARN(), "Payload": payload},
			"OutputPath": "$.Payload",
			// A range that is compared again is not repaired again.
			"Retry": []any{state{"ErrorEquals": []any{"States.ALL"}, "IntervalSeconds": 30, "BackoffRate": 2, "MaxAttempts": 5}},
			"Next":  next,
		}
	}
	compare := invoke(state{"range.$": "$.range", "began.$": "$.began"}, "Done")
	compare["Catch"] = []any{state{"ErrorEquals": []any{"States.ALL"}, "Next": "Failed"}}
	return state{
		"Comment":        "Compares the buckets of replica set " + c.Name + " in ranges of keys",
		"TimeoutSeconds": int((c.Reconcile.Every - rangesMargin) / time.Second),
		"StartAt":        "Plan",
		"States": state{
			"Plan": invoke(state{"plan": state{"ranges": c.Reconcile.KeyRanges}}, "Compare"),
			"Compare": state{
				"Type":           "Map",
				"ItemsPath":      "$.ranges",
				"ItemSelector":   state{"range.$": "$$.Map.Item.Value", "began.$": "$.began"},
				"MaxConcurrency": RangesAtOnce,
				// Beside the plan, of which the end needs when it began.
				"ResultPath": "$.compared",
				"Next":       "Prove",
				"ItemProcessor": state{
					"ProcessorConfig": state{"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
					"StartAt":         "Range",
					"States": state{
						"Range": compare,
						"Done": state{
							"Type": "Choice",
							"Choices": []any{
								state{"Variable": "$.done", "BooleanEquals": true, "Next": "Compared"},
								state{"Variable": "$.wait", "IsPresent": true, "Next": "Wait"},
							},
							"Default": "Range",
						},
						"Wait":     state{"Type": "Wait", "Seconds": rangesWait, "Next": "Range"},
						"Compared": state{"Type": "Succeed"},
						"Failed":   state{"Type": "Pass", "Result": state{"status": "failed", "done": false}, "End": true},
					},
				},
			},
			"Prove": invoke(state{"prove": state{"began.$": "$.began", "ranges.$": "$.compared"}}, "Proved"),
			"Proved": state{
				"Type":    "Choice",
				"Choices": []any{state{"Variable": "$.done", "BooleanEquals": true, "Next": "Complete"}},
				"Default": "Incomplete",
			},
			"Complete": state{"Type": "Succeed"},
			"Incomplete": state{
				"Type": "Fail", "Error": "Incomplete", "Cause": "Ranges of keys could not be compared. The function's log says why.",
			},
		},
	}
}
