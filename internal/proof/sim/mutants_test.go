package sim

// mutant is a deliberate bug: in a package of the module, one piece of code in place of
// another that occurs there once, in whatever file and however it is laid out.
type mutant struct {
	name, dir, from, to string
}

// mutants are the bugs that the simulation has to find.
var mutants = []mutant{
	{
		"what a copy made is not looked for first", "internal/policy",
		"return e.Name == \"ObjectCreated:Copy\"", "return false",
	}, {
		"an upload is resumed whoever began it", "internal/copier",
		"initiator.Judge(by, m.role) != initiator.ByReplicator {", "by == \"nobody\" || initiator.Judge(by, m.role) == \"nobody\" {",
	}, {
		"other contents are taken for the same", "internal/policy",
		"\t\treturn Diverged\n", "\t\treturn Exists\n",
	}, {
		"the condition is left out of the copy", "internal/copier",
		"StorageClass: class, IfNoneMatch: optional(condition.IfNoneMatch),", "StorageClass: class, IfNoneMatch: optional(\"\"),",
	}, {
		"the condition is left out of the completion", "internal/copier",
		"aws.Int64(u.Source.Size), IfNoneMatch: optional(condition.IfNoneMatch),", "aws.Int64(u.Source.Size), IfNoneMatch: optional(\"\"),",
	}, {
		"409 is taken for Exists", "internal/copier",
		"case errorcode.Conflict(code):\n\t\treturn conflict\n", "case errorcode.Conflict(code):\n\t\treturn same\n",
	}, {
		"403 is taken for SourceGone", "internal/copier",
		"case namesSource(did) && (code == codeNoSuchKey ||",
		"case namesSource(did) && (errorcode.LacksPermission(code) || code == codeNoSuchKey ||",
	}, {
		"an archived source is taken for a gone one", "internal/copier",
		"case namesSource(did) && (code == codeNoSuchKey ||", "case namesSource(did) && (code == codeArchived || code == codeNoSuchKey ||",
	}, {
		"500 is taken for Exists", "internal/copier",
		"case code == codeNoSuchUpload:\n\t\treturn lost\n",
		"case code == \"InternalError\" && did == copyOnCondition:\n\t\treturn same\n" +
			"\tcase code == codeNoSuchUpload:\n\t\treturn lost\n",
	}, {
		"the version is not pinned", "internal/copier",
		"if o.VersionID != \"\" {\n\t\tb.WriteString", "if false {\n\t\tb.WriteString",
	}, {
		"a lost upload is taken for a finished one", "internal/copier",
		"return ending{again: more}\n\tcase got == conflict && s.resumed",
		"return ending{outcome: Exists}\n\tcase got == conflict && s.resumed",
	}, {
		"an upload is reused for another version of the key", "internal/copier",
		"\tfor uploads := 1; ; uploads++ {\n", `	if s := t.req.Source; t.req.Resume == nil {
		if id, ok := openUploads.Load(t.target.Bucket + s.Key); ok {
			m.upload = &Upload{Source: s, UploadID: id.(string), PartSize: planPartSize(s.Size, t.partSize)}
		}
	}
	defer func() {
		if m.upload != nil {
			openUploads.Store(t.target.Bucket+t.req.Source.Key, m.upload.UploadID)
		}
	}()
	for uploads := 1; ; uploads++ {
`,
	}, {
		"the last part is as long as the others", "internal/copier",
		"return first, min(first+partSize, size) - 1", "return first, first + partSize - 1",
	}, {
		"metadata is left behind by copies in parts", "internal/copier",
		"		Metadata:                head.Metadata,\n", "",
	}, {
		"tags are left behind by copies in parts", "internal/copier",
		"		Tagging:                 tagging(tags),\n", "",
	}, {
		"the key is decoded twice", "internal/function/event",
		"key, err := url.QueryUnescape(encoded)\n",
		"key, err := url.QueryUnescape(encoded)\n\tif again, err := url.QueryUnescape(key); err == nil {\n\t\tkey = again\n\t}\n",
	}, {
		"the key is not decoded", "internal/function/event",
		"key, err := url.QueryUnescape(encoded)\n", "_, err := url.QueryUnescape(encoded)\n\tkey := encoded\n",
	}, {
		"only the first record of a message is handled", "internal/function/replicator",
		"for _, r := range m.Records {", "for _, r := range m.Records[:min(1, len(m.Records))] {",
	}, {
		"only the first message is handled", "internal/function/replicator",
		"for _, m := range in.Messages {", "for _, m := range in.Messages[:min(1, len(in.Messages))] {",
	}, {
		"an invocation succeeds if any of its records does", "internal/function/replicator",
		"if len(failures) > 0 {", "if len(failures) > 0 && len(failures) == parts {",
	}, {
		"what is left of a copy is not handed over", "internal/function/replicator",
		"err = h.handOver(ctx, times, j, *result.Upload)", "_ = h.handOver",
	}, {
		"a hand-over that fails is a success", "internal/function/replicator",
		"			failure.err = fmt.Errorf(\"%w; abort the upload: %w\", failure.err, err)\n\t\t}\n\t}\n\treturn failure\n",
		"			failure.err = err\n\t\t}\n\t}\n\treturn nil\n",
	}, {
		"a continuation forgets the version", "internal/function/replicator",
		"Key: u.Source.Key, VersionID: u.Source.VersionID,", "Key: u.Source.Key,",
	}, {
		"hand-overs are not counted", "internal/function/replicator",
		"Handovers: j.handovers() + 1}", "Handovers: j.handovers()}",
	}, {
		"a letter is deleted before the function succeeds", "internal/operator/redrive",
		"	r := d.replay(ctx, j)", "	d.remover.add(ctx, j.message, func(error) {})\n\tr := d.replay(ctx, j)",
	}, {
		"a function's failure is taken for success", "internal/operator/redrive",
		"if out.FunctionError != nil {", "if false {",
	}, {
		"a letter is replayed where it lies", "internal/operator/redrive",
		"return Function{Region: a.Region, Name: name}, nil", "return Function{Region: queue.region, Name: name}, nil",
	}, {
		"a letter that is replayed stays", "internal/operator/redrive",
		"out, err := r.clients.SQS.DeleteMessageBatch(ctx, in)",
		"out, err := &sqs.DeleteMessageBatchOutput{}, ctx.Err()\n\tfor _, e := range in.Entries {\n" +
			"\t\tout.Successful = append(out.Successful, types.DeleteMessageBatchResultEntry{Id: e.Id})\n\t}",
	}, {
		"backfill leaves the last Region out", "internal/operator/backfill",
		"for _, to := range p.to {", "for _, to := range p.to[:len(p.to)-1] {",
	}, {
		"backfill copies from the first Region only", "internal/operator/backfill",
		"if policy.Decide(known).Action == policy.Copy {", "if policy.Decide(known).Action == policy.Copy && objects[0] != nil {",
	}, {
		"verify sees only what two Regions lack", "internal/operator/verify",
		"if len(judged.Absent) > 0 {", "if len(judged.Absent) > 1 {",
	}, {
		"a comparison brings back what was deleted here", "internal/function/reconcile",
		"KeepDeleted: true}", "KeepDeleted: false}",
	}, {
		"a comparison copies from any Region", "internal/function/reconcile",
		"		index := policy.Original(states)\n		if index < 0",
		"		index := slices.IndexFunc(states, policy.State.Here)\n		if index < 0",
	}, {
		"a comparison looks at one other Region only", "internal/function/reconcile",
		"members: append(replicaset.Members{h.Config.Target}, h.Config.Sources...)",
		"members: append(replicaset.Members{h.Config.Target}, h.Config.Sources[:1]...)",
	}, {
		"a comparison counts what failed as done", "internal/function/reconcile",
		"	return w.left(key, index, off, err.Error()), nil\n", "	return off, nil\n",
	}, {
		"a checkpoint leaves out the key that ended the invocation", "internal/function/reconcile",
		"		o.err = cmp.Or(o.err, err)\n		return\n", "		o.err = cmp.Or(o.err, err)\n",
	}, {
		"a comparison does not wait for a large copy that may have died", "internal/function/reconcile",
		"		return w.waits(key, index, missing)\n", "		return one, nil\n",
	}, {
		"a comparison brings back what rules have forgotten", "internal/function/reconcile",
		"	if mine.MayHaveForgotten(", "	if len(mine) > 1 && mine.MayHaveForgotten(",
	}, {
		"a comparison does not count what differs", "internal/function/reconcile",
		"		if i == w.own {\n", "		if i < w.own {\n",
	}, {
		"a checkpoint forgets a copy in parts", "internal/function/reconcile",
		"	k.state.Unfinished, k.paused = rest, true\n", "	k.state.Unfinished, k.paused = rest[1:], true\n",
	}, {
		"parts of a copy that died stay", "internal/function/reconcile",
		"range found.Abandoned(w.session()) {", "range found.Abandoned(w.session())[:0] {",
	},
}
