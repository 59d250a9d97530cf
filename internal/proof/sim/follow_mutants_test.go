package sim

// followMutants are the bugs that the simulation of follow mode has to find.
var followMutants = []mutant{
	{
		"the clock is not waited out", "internal/policy",
		"if k.Now <= s.Write.Seconds {", "if false {",
	}, {
		"the clock is waited out by the function's own", "internal/follow",
		"k.Now = date\n", "k.Now = time.Now().Unix()\n",
	}, {
		"deletions of nothing are not waited for", "internal/policy",
		"!k.Target.shows() && k.Now <= k.DeletedAt:", "!k.Target.shows() && k.Now < 0:",
	}, {
		"markers of the role are not followed", "internal/function/replicator",
		"case r.Destruction():", "case r.Destruction(), r.Removal() && isReplicator(r.PrincipalID, h.Config.FunctionName):",
	}, {
		"all versions of the source count as deleted", "internal/policy",
		"if b.Stack[i-1].Marker && !b.Stack[i].Marker {", "if b.Stack[0].Marker && !b.Stack[i].Marker {",
	}, {
		"a marker is taken for nothing", "internal/follow",
		"Presence: max(state.Presence, policy.Absent)}",
		"Presence: max(min(state.Presence, policy.Absent), policy.Absent)}\n\tif state.Here() {\n\t\tb.Presence = policy.Present\n\t}",
	}, {
		"a 404 under If-Match is taken for a source that is gone", "internal/copier",
		"		case changedSince(got):\n", "		case got == gone:\n			t.result.Outcome = SourceGone\n" +
			"			return nil\n		case changedSince(got):\n",
	}, {
		"the time of the event is taken for the write's", "internal/follow",
		"b.Current = t.versionOf(at, state, out)\n",
		"if at == t.source() && !t.req.At.IsZero() {\n\t\tstate.Modified = t.req.At\n\t}\n\tb.Current = t.versionOf(at, state, out)\n",
	}, {
		"an entry counts on every key", "internal/policy",
		"e.Hash != HashOf(key) || e.Seconds > modified", "e.Seconds > modified",
	}, {
		"an entry counts for ever", "internal/policy",
		"return -bindingSeconds <= apart && apart <= bindingSeconds", "return apart == modified-e.Made",
	}, {
		"the second in the entry is not renewed", "internal/follow",
		"Made: t.second(),", "Made: firstSecond(step.Write.VersionID+t.target.Bucket, t.second()),",
	}, {
		"the number of parts is not compared", "internal/policy",
		"return strings.HasSuffix(etag, \"-\"+strconv.Itoa(e.Parts))", "return strings.HasSuffix(etag, \"\")",
	}, {
		"a deletion is applied to a greater write", "internal/policy",
		"func (k *Following) fromMarker() Step {\n	target := k.Target.Current\n",
		"func (k *Following) fromMarker() Step {\n	target := k.Target.Current\n	if k.Deleted {\n" +
			"		return k.inTime(Step{Action: Delete, Condition: k.condition(), Write: target.Write})\n	}\n",
	}, {
		"a replica from before follow mode is taken for a write", "internal/policy",
		"case order == SameWrite, o.sameLegacy(a, b):", "case order == SameWrite:",
	}, {
		"a deletion has no condition", "internal/marker",
		"IfMatch: aws.String(`\"` + etag + `\"`),", "",
	}, {
		"a replica is put over anything", "internal/copier",
		"IfMatch: quoted(condition.IfMatch), } }", "IfMatch: quoted(\"\"), } }",
	}, {
		"a replica in parts is put over anything", "internal/copier",
		"IfMatch: quoted(condition.IfMatch), } want.demand(in)", "IfMatch: quoted(\"\") }\nwant.demand(in)",
	}, {
		"of two writes of one second the one that comes later wins", "internal/policy",
		"return orderOf(strings.Compare(w.Region, v.Region))", "return orderOf(1)",
	}, {
		"the first page of versions is taken for all", "internal/policy",
		"	if source.More {\n", "	if false {\n",
	}, {
		"the source's own entry stays", "internal/copier",
		"	maps.Copy(with, metadata)\n	with[policy.EntryName] = e.String()\n",
		"	with[policy.EntryName] = e.String()\n	maps.Copy(with, metadata)\n",
	}, {
		"a replica counts as a write of its Region", "internal/policy",
		"v.Write, v.Replica = e.Write, true", "v.Write, v.Replica = v.Write, true",
	}, {
		"metadata is left behind", "internal/copier",
		"	maps.Copy(with, metadata)\n", "	maps.Copy(with, map[string]string{})\n",
	}, {
		"a write that fails is a success", "internal/follow",
		"	case err != nil:\n		return t.tryAgain(err)\n	}\n	overNothing",
		"	case err != nil:\n		return false, nil\n	}\n	overNothing",
	}, {
		"what its origin has deleted and destroyed stays", "internal/policy",
		"		return k.delete(target)\n", "		return Step{Action: Superseded, Write: w}\n",
	}, {
		"a slow copy over nothing is not looked at again", "internal/follow",
		"return inParts || overNothing && t.now().Sub(t.seen.asked) > slowCopy, nil",
		"return inParts && !overNothing, nil",
	}, {
		"two writes of one Region and second are ordered by name", "internal/policy",
		"				return -i\n", "				return 0 * i\n",
	}, {
		"what was brought back over a marker is not looked for", "internal/policy",
		"	if k.Deleted && k.Deletions {\n", "	if false {\n",
	}, {
		"a write destroyed at its origin is copied back", "internal/policy",
		"case !k.Replicas, k.Origin == Absent:", "case !k.Replicas:",
	}, {
		"what undelete brings back keeps the entry", "internal/copier",
		"	delete(rest, entry)\n", "",
	}, {
		"undelete believes listings that cannot tell", "internal/operator/undelete",
		"first != nil && r.compare(o, first) != policy.Same:", "first != nil && r.compare(o, first) == policy.Differ:",
	}, {
		"undelete brings back what was deleted before", "internal/operator/undelete",
		"		case span.before(first):\n", "		case span.after(first):\n",
	}, {
		"explain takes what is deleted for shown", "internal/operator/explain",
		"case i == 0:", "case i <= 1:",
	}, {
		"explain calls everywhere what one Region lacks", "internal/operator/explain",
		"	case len(behind) == 0:\n", "	case len(behind) <= 1:\n",
	}, {
		"explain dates a deletion by its newest marker", "internal/operator/explain",
		"undeleteSince(b.Stack, hidden)", "undeleteSince(b.Stack, 1)",
	}, {
		"explain reads one page of versions", "internal/operator/explain",
		"if from = page.Next; from == \"\" || ", "if from = page.Next; from != \"\" || ",
	}, {
		"what one Region has repaired is left to the next day by the others", "internal/function/reconcile",
		"case w.unsettled(seen):", "case w.young(seen.Sights[1].Modified):",
	}, {
		"a comparison believes listings alone", "internal/function/reconcile",
		"		if o == nil || objects[0] == nil {\n",
		"		if o == nil || objects[0] == nil {\n			continue\n		}\n		if len(objects) == 0 {\n",
	}, {
		"a key that failed is counted as repaired", "internal/function/reconcile",
		"		case err == nil:\n			return w.repaired(off, result)\n", "		case err == nil || try == 1:\n" +
			"			result.Outcome = copier.Deleted\n			return w.repaired(off, result)\n",
	},
}

// secondGuards are what has to go besides where two places guard against the same, by
// the name of the mutant.
var secondGuards = map[string]mutant{
	"a write destroyed at its origin is copied back": {
		"", "internal/aws/registers",
		"return true, 1, nil", "return false, 1, nil",
	},
}
