"""How the lines of UCI Online Retail are read; shared by the tests that use the real file."""

RETAIL = """
source: shop
person: {user_id: CustomerID}
time: {column: InvoiceDate, format: "%Y-%m-%d %H:%M:%S", zone: Europe/London}
event:
  - when: {column: InvoiceNo, starts with: C}
    name: Cancelled
  - name: Purchased
properties:
  invoice: InvoiceNo
  stock: StockCode
  description: Description
  quantity: {column: Quantity, type: number}
  price: {column: UnitPrice, type: money}
  amount: {multiply: [UnitPrice, Quantity], type: money}
  country: Country
attributes:
  country: Country
currency: GBP
"""
