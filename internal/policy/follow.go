package policy

// Following is what is known before a change of a key is followed from one bucket,
// the source, to another, the target. Nothing that was reported counts, only what
// looks have found: the target first, then the source.
type Following struct {
	Source, Target Bucket
	// Now is the second in the Date of the target's answer.
	Now int64
	Orders
	// Deletions says that deletions travel.
	Deletions bool
	// Deleted says that a deletion at the source was reported. What was deleted
	// there may have been written over since. DeletedAt is when that was by the
	// source's clock, in seconds since 1970; zero if the report does not say.
	Deleted   bool
	DeletedAt int64
	// Retagged says that a change of tags was reported, of the version TagsOf, of any
	// if that is empty.
	Retagged bool
	TagsOf   string
	// Tags says that changes of tags travel.
	Tags bool
	// Replicas says that also what s3fanout has copied to the source is to be copied
	// on, as into a Region that joins. The write's origin tells its own events to
	// everybody.
	Replicas bool
	// Origin is whether the origin of the source's replica still has the write,
	// Absent if not: that is never copied on. It is asked for only with Replicas, and
	// counts as Present where the origin is no member any more.
	Origin Presence
}

// Condition of a copy or a deletion; see DecideFollow.
func (k *Following) condition() Condition {
	if k.Target.shows() {
		return Condition{IfMatch: k.Target.Current.ETag}
	}
	return Condition{IfNoneMatch: "*"}
}

// Step is what comes next, and what it is about.
type Step struct {
	Action Action
	// Condition goes with Copy and Delete.
	Condition Condition
	// VersionID is the version to read, with ReadSource and ReadTarget.
	VersionID string
	// Region is whose versions to list, with ListOrigin.
	Region string
	// Write is what is copied, deleted, waited for, or asked for at its origin.
	Write Write
}

// DecideFollow says what to do about a change. It raises what the target says of
// the key (see Register) towards what the source says: it never lowers it, so that
// it is right in any order and number of reports. It ends: what it asks for is
// known when it is asked again.
//
// A write, or its deletion, is acted on only in a later second of the target's
// clock than its own: whatever a user then puts over the replica is the greater
// write, also where clocks differ. A deletion is waited for as well where the target
// shows nothing to delete, since it keeps no trace of it: what a user writes there
// next has to be greater than what was deleted, which was written before.
func DecideFollow(k Following) Step {
	switch {
	case k.Deleted && k.Deletions && !k.Target.shows() && k.Now <= k.DeletedAt:
		return Step{Action: Wait, Write: Write{Region: k.Source.Region, Seconds: k.DeletedAt}}
	case !k.Source.shows() && !k.Target.shows():
		return Step{Action: SourceGone}
	case k.Source.changed() || k.Target.changed():
		return Step{Action: LookAgain}
	case k.Source.shows():
		return k.fromWrite()
	case k.Source.Presence != Deleted || !k.Deletions:
		// Without a marker nobody deleted the key: its versions were destroyed.
		return Step{Action: SourceGone}
	}
	return k.fromMarker()
}

// fromWrite decides where the source has an object.
func (k *Following) fromWrite() Step {
	source := k.Source.Current
	if k.Retagged && k.TagsOf != "" && k.TagsOf != source.ID {
		return Step{Action: Superseded}
	}
	if k.Deleted && k.Deletions {
		// A copy over a marker can bring back what was deleted in the meantime, since a
		// condition cannot tell two markers apart. So the source's object counts as
		// deleted if it, or a greater one, was.
		hidden, ask := k.hiddenAtLeast(source)
		switch {
		case ask != nil:
			return *ask
		case hidden != nil:
			return k.delete(*hidden)
		}
	}
	if source.Replica && source.Write.Region != k.Source.Region {
		switch {
		case !k.Replicas, k.Origin == Absent:
			return Step{Action: Superseded}
		case k.Origin == Unknown:
			return Step{Action: LookAtOrigin, Write: source.Write}
		}
	}
	target, ask := k.atTarget(source)
	if ask != nil {
		return *ask
	}
	if target != nil {
		switch order := k.Of(source, *target); {
		case order == Unordered:
			return k.askOrder(source)
		case order == SameWrite && k.Target.shows() && (k.Retagged || k.mayHaveOldTags(source, *target)):
			return Step{Action: Retag, Write: source.Write}
		case order == SameWrite && k.Target.shows():
			return Step{Action: Exists, Write: source.Write}
		case order != Greater:
			return Step{Action: Superseded, Write: target.Write}
		}
	}
	return k.inTime(Step{Action: Copy, Condition: k.condition(), Write: source.Write})
}

// mayHaveOldTags says of a replica that its tags were read when its upload began. Who
// made it reads them again at its end, but may have died before, and the function that
// got the event of a change meanwhile may have found no replica yet.
func (k *Following) mayHaveOldTags(source, target Version) bool {
	return k.Tags && !source.Replica && target.Replica && target.Write == source.Write && target.InParts()
}

// fromMarker decides where a marker hides the key at the source, and the target
// has an object.
func (k *Following) fromMarker() Step {
	target := k.Target.Current
	hidden, ask := k.hiddenAtLeast(target)
	switch {
	case ask != nil:
		return *ask
	case hidden != nil:
		return k.delete(*hidden)
	}
	if w := target.Write; target.Replica && w.Region == k.Source.Region {
		for _, v := range k.Source.Stack {
			if v.is(w, k.Source.Region) {
				return Step{Action: Superseded, Write: w}
			}
		}
		// Its origin shows a marker, and has destroyed it besides.
		return k.delete(target)
	}
	return Step{Action: Superseded, Write: target.Write}
}

// hiddenAtLeast finds what was deleted at the source, if it is the same write as v
// or a greater one. It asks for what it needs to know.
func (k *Following) hiddenAtLeast(v Version) (*Version, *Step) {
	source := &k.Source
	if !source.Listed {
		return nil, &Step{Action: ListSource}
	}
	for _, i := range source.hidden() {
		c := source.Stack[i]
		switch {
		case c.is(v.Write, source.Region):
			c = c.ReadAs(source.Region, "", "")
		case c.Modified < v.Write.Seconds && !k.mayBeLegacy(c):
			continue // a replica is younger than its write
		case !c.Read:
			return nil, &Step{Action: ReadSource, VersionID: c.ID}
		}
		switch k.Of(c, v) {
		case Unordered:
			ask := k.askOrder(c)
			return nil, &ask
		case SameWrite, Greater:
			return &c, nil
		}
	}
	if source.More {
		return nil, &Step{Action: ListSource}
	}
	return nil, nil
}

// delete decides what the deletion of a version at the source means for the
// target.
func (k *Following) delete(hidden Version) Step {
	if !k.Target.shows() {
		return Step{Action: Superseded, Write: hidden.Write}
	}
	switch k.Of(hidden, k.Target.Current) {
	case Unordered:
		return k.askOrder(hidden)
	case Less:
		return Step{Action: Superseded, Write: k.Target.Current.Write}
	}
	return k.inTime(Step{Action: Delete, Condition: k.condition(), Write: hidden.Write})
}

// atTarget is what the target has of the key: its object, or what its marker
// hides; nil for nothing.
func (k *Following) atTarget(source Version) (*Version, *Step) {
	target := &k.Target
	switch {
	case target.shows():
		return &target.Current, nil
	case target.Presence != Deleted:
		return nil, nil
	case !target.Listed:
		return nil, &Step{Action: ListTarget}
	}
	i := target.top()
	switch {
	case i < 0 && target.More:
		return nil, &Step{Action: ListTarget}
	case i < 0:
		return nil, nil // nothing but markers
	}
	v := target.Stack[i]
	switch {
	case v.is(source.Write, target.Region):
		v = v.ReadAs(target.Region, "", "")
	case !v.Read:
		return nil, &Step{Action: ReadTarget, VersionID: v.ID}
	}
	return &v, nil
}

// askOrder asks for the stack that orders two writes of one second.
func (k *Following) askOrder(v Version) Step {
	return Step{Action: ListOrigin, Region: v.Write.Region, Write: v.Write}
}

// inTime has the step wait for the target's clock.
func (k *Following) inTime(s Step) Step {
	if k.Now <= s.Write.Seconds {
		return Step{Action: Wait, Write: s.Write}
	}
	return s
}
