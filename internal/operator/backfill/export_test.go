package backfill

// RunHolding is Run with another limit on the objects that wait for approval.
var RunHolding = runHolding
