// Records of a business application, about 2 KB: 57 flat attributes, among them ISO dates, booleans and numbers, and two
// secondary indexes, one of which Query can ask. They show the cost of an attribute, and of keys that a library makes. No
// I/O here.

import { digits } from "../random.js";
import type { IndexKeys } from "../shape.js";
import { KEY_DIGITS, like } from "./example.js";

/** What an owner has to do, by the time when it is due. */
const OWNED: IndexKeys = { name: "gsi1", partition: "ownerId", sort: "dueAt" };
/** When the first record of an owner is due; the others follow, an hour apart. */
const FIRST_DUE = Date.UTC(2025, 0, 1);
const HOUR = 3_600_000;

export const record = like({
  name: "record",
  partition: "accountId",
  sort: "recordId",
  ownKeys: false,
  updated: "stage",
  indexes: [OWNED, { name: "gsi2", partition: "region", sort: "updatedAt" }],
  index: {
    keys: OWNED,
    partitionOf: (partition) => `user-${digits(partition, KEY_DIGITS)}`,
    sortOf: (place) => new Date(FIRST_DUE + place * HOUR).toISOString(),
  },
  item: {
    accountId: "00000000",
    recordId: "00000000",
    stage: "negotiation",
    ownerId: "user-48213",
    region: "eu-west",
    dueAt: "2025-06-30T12:00:00.000Z",
    updatedAt: "2025-05-02T08:14:51.000Z",
    createdAt: "2025-01-17T16:40:05.000Z",
    closedAt: "2025-07-11T09:30:00.000Z",
    contactedAt: "2025-04-21T10:05:33.000Z",
    title: "Renewal of the maintenance contract",
    summary:
      "Three sites, one contact, a discount for paying two years in advance. The customer asks for a second visit " +
      "before the summer, and for the report of the last inspection.",
    history:
      "Called on Monday, no answer. Called on Tuesday, asked to write. Wrote on Wednesday with the offer of last year " +
      "as an attachment. Answered on Friday: the price is right, the notice period is too long, and the second site " +
      "moves in autumn. Agreed on the phone to split the contract, one part for each site, with a common end date. " +
      "Sent the draft to the legal department, who want the clause about spare parts as it was two years ago. " +
      "Waiting for the signature of the managing director, who is back from leave in the second week of June.",
    reference: "REF-2025-004821",
    externalId: "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    source: "partner",
    channel: "telephone",
    campaign: "spring-renewals-2025",
    priority: "high",
    currency: "EUR",
    locale: "nl-NL",
    timeZone: "Europe/Amsterdam",
    companyName: "Van der Meer Installaties",
    companyNumber: "KVK 64021987",
    vatNumber: "NL854112233B01",
    website: "https://meer-installaties.example",
    industry: "construction",
    contactName: "Marijke van der Meer",
    contactEmail: "m.vandermeer@meer-installaties.example",
    contactPhone: "+31 20 555 0148",
    contactRole: "managing director",
    street: "Keizersgracht 452",
    city: "Amsterdam",
    postcode: "1016 GD",
    country: "NL",
    billingStreet: "Postbus 21450",
    billingCity: "Amsterdam",
    billingPostcode: "1001 AL",
    billingCountry: "NL",
    createdBy: "user-11904",
    updatedBy: "user-48213",
    team: "field-sales-north",
    nextStep: "Send the revised offer",
    amount: 48250.75,
    discount: 12.5,
    probability: 65,
    seats: 120,
    sites: 3,
    score: 784,
    revision: 17,
    margin: 0.315,
    active: true,
    archived: false,
    invoiced: false,
    approved: true,
    exported: true,
    confidential: false,
  },
});
