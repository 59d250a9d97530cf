// Package distance says how far AWS's Regions are from each other, by the map.
package distance

import "math"

// coordinates are where a Region is, in degrees, about: to the city that its name in
// AWS's lists has.
type coordinates struct{ north, east float64 }

// cities are those of the Regions that access points reach.
func cities() map[string]coordinates {
	return map[string]coordinates{
		"af-south-1":     {-33.9, 18.4},  // Cape Town
		"ap-east-1":      {22.3, 114.2},  // Hong Kong
		"ap-northeast-1": {35.7, 139.7},  // Tokyo
		"ap-northeast-2": {37.6, 127.0},  // Seoul
		"ap-northeast-3": {34.7, 135.5},  // Osaka
		"ap-south-1":     {19.1, 72.9},   // Mumbai
		"ap-south-2":     {17.4, 78.5},   // Hyderabad
		"ap-southeast-1": {1.4, 103.8},   // Singapore
		"ap-southeast-2": {-33.9, 151.2}, // Sydney
		"ap-southeast-3": {-6.2, 106.8},  // Jakarta
		"ap-southeast-4": {-37.8, 145.0}, // Melbourne
		"ca-central-1":   {45.5, -73.6},  // Montreal
		"ca-west-1":      {51.0, -114.1}, // Calgary
		"eu-central-1":   {50.1, 8.7},    // Frankfurt
		"eu-central-2":   {47.4, 8.5},    // Zurich
		"eu-north-1":     {59.3, 18.1},   // Stockholm
		"eu-south-1":     {45.5, 9.2},    // Milan
		"eu-south-2":     {41.6, -0.9},   // Aragon
		"eu-west-1":      {53.3, -6.3},   // Dublin
		"eu-west-2":      {51.5, -0.1},   // London
		"eu-west-3":      {48.9, 2.4},    // Paris
		"il-central-1":   {32.1, 34.8},   // Tel Aviv
		"me-central-1":   {24.5, 54.4},   // Abu Dhabi
		"me-south-1":     {26.2, 50.6},   // Manama
		"sa-east-1":      {-23.6, -46.6}, // Sao Paulo
		"us-east-1":      {38.9, -77.5},  // Northern Virginia
		"us-east-2":      {40.0, -83.0},  // Columbus
		"us-west-1":      {37.4, -122.0}, // Northern California
		"us-west-2":      {45.8, -119.7}, // Boardman
	}
}

// Between is the distance of two Regions in kilometres, along the earth's surface.
// A Region whose place is not known is as far as the other side of the earth.
func Between(a, b string) float64 {
	if a == b {
		return 0
	}
	const radius = 6371
	all := cities()
	p, known := all[a]
	q, alsoKnown := all[b]
	if !known || !alsoKnown {
		return math.Pi * radius
	}
	rad := func(degrees float64) float64 { return degrees * math.Pi / 180 }
	half := func(d float64) float64 { s := math.Sin(d / 2); return s * s }
	h := half(rad(q.north-p.north)) + math.Cos(rad(p.north))*math.Cos(rad(q.north))*half(rad(q.east-p.east))
	return 2 * radius * math.Asin(math.Sqrt(h))
}
