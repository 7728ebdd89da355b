// What both bare loops write for one claim: as much as Turnpike's rows of a payment and its nullifier hold.
#ifndef ROWS_H
#define ROWS_H

enum { planBytes = 900, nullifierBytes = 33, groupRows = 256 };

#endif
